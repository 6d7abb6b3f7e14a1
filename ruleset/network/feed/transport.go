package feed

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// NewTransport returns what a Keeper fetches with unless it is given something
// else: direct connections, no proxy, and each connection used once.
//
// Feeds are the operator's choice, and may lie on loopback or in the operator's
// own network. What answers there is not: so a redirect may lead to another host
// only if that is a public one, and nothing may lead to link-local addresses,
// where clouds keep the credentials of their machines, nor to multicast ones.
// Addresses are judged when the connection is made, after the name has been
// resolved.
func NewTransport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			d := net.Dialer{Timeout: 15 * time.Second, ControlContext: guard}
			return d.DialContext(ctx, network, address)
		},
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		DisableCompression:     true, // packed bytes are bounded too
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// metadata6 is where AWS answers IPv6.
var metadata6 = netip.MustParsePrefix("fd00:ec2::/32")

// elsewhere marks the context of a request that was redirected to another host.
type elsewhere struct{}

func guard(ctx context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	a := ap.Addr().Unmap().WithZone("")
	switch {
	case a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified(), metadata6.Contains(a):
		return because(Unreachable, "%s is no address to fetch a list from", a)
	case ctx.Value(elsewhere{}) == nil:
		return nil
	case a.IsLoopback(), a.IsPrivate(), prefixes("100.64.0.0/10")[0].Contains(a):
		return because(BadRedirect, "it redirects to %s, which is not a public address", a)
	}
	return nil
}
