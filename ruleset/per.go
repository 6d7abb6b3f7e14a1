package ruleset

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/network"
)

// per is one thing that a limit can count for.
type per struct {
	fact perFact
	// bits narrows an address to a network, less takes digits off a number.
	bits uint8
	less uint8
}

type perFact uint8

const (
	perPhone perFact = iota
	perIP
	perDevice
	perEmail
	perDomain
	perRange
	perCountry
	perIPCountry
	perASN
	perSession
	perHandle
)

// perWords are the words for what a limit can count for, in the order in which
// composite keys and names are put.
var perWords = []string{"phone", "ip", "device", "email", "email_domain", "range", "country", "ip_country", "asn", "session", "handle"}

// Addresses count one by one in IPv4 and by /64 in IPv6, which is what one
// customer gets. A range is a number less its last three digits.
const (
	ipv4Bits  = 32
	ipv6Bits  = 64
	rangeLess = 3
)

func (p *per) ParseText(s string) error {
	word, arg, hasArg := strings.Cut(s, "/")
	i := slices.Index(perWords, word)
	if i < 0 {
		return wordError("thing to count for", s, append(slices.Clone(perWords), "ip/N", "range/N"))
	}
	p.fact = perFact(i)
	switch p.fact {
	case perRange:
		p.less = rangeLess
	case perIP:
	default:
		if hasArg {
			return fmt.Errorf("%q is not a thing to count for: only ip and range take a number, as in ip/48 and range/4", s)
		}
	}
	if !hasArg {
		return nil
	}
	n, err := strconv.Atoi(arg)
	if err != nil || strconv.Itoa(n) != arg {
		return fmt.Errorf("%q is not a thing to count for: what follows the slash is a number, as in %s/%d", s, word, map[perFact]int{perIP: 48, perRange: 4}[p.fact])
	}
	switch p.fact {
	case perRange:
		if n < 2 || n > 7 {
			return fmt.Errorf("%q: a range leaves out the last 2 to 7 digits", s)
		}
		p.less = uint8(n)
	case perIP:
		if n < 8 || n > 64 {
			return fmt.Errorf("%q: a network has 8 to 32 bits (IPv4) or 33 to 64 bits (IPv6)", s)
		}
		if n != ipv4Bits && n != ipv6Bits {
			p.bits = uint8(n)
		}
	}
	return nil
}

func (per) SchemaPattern() string {
	return `^(phone|device|email|email_domain|country|ip_country|asn|session|handle|ip(/[0-9]{1,2})?|range(/[2-7])?)$`
}

func (p per) String() string {
	switch {
	case p.bits != 0:
		return fmt.Sprintf("ip/%d", p.bits)
	case p.fact == perRange && p.less != rangeLess:
		return fmt.Sprintf("range/%d", p.less)
	default:
		return perWords[p.fact]
	}
}

// isCallers reports whether a count for p is the caller's own business.
func (p per) isCallers() bool {
	return p.fact == perDevice || p.fact == perIP && p.bits == 0
}

// covers reports whether all events with the same q also have the same p: a
// count for p is then never below the count for q.
func (p per) covers(q per) bool {
	if p == q {
		return true
	}
	switch p.fact {
	case perRange:
		return q.fact == perPhone || q.fact == perRange && q.less <= p.less
	case perCountry:
		return q.fact == perPhone
	case perDomain:
		return q.fact == perEmail
	case perIP:
		return q.fact == perIP && p.bits != 0 && q.bits == 0
	case perIPCountry, perASN:
		return q.fact == perIP && q.bits == 0 // looked up for the address alone
	default:
		return false
	}
}

// digest returns the keyed hash of what f says of p. It is false if f does not
// say it: a request without a device is not counted for devices.
func (p per) digest(k *Keys, f *Facts) (ledger.Key, bool) {
	switch p.fact {
	case perPhone:
		if f.Phone.IsZero() {
			return ledger.Key{}, false
		}
		return k.digest('p', f.Phone.Key()), true
	case perRange:
		if f.Phone.IsZero() {
			return ledger.Key{}, false
		}
		return k.digest('r'+p.less, f.Phone.Range(int(p.less))), true
	case perCountry:
		if f.Phone.IsZero() {
			return ledger.Key{}, false
		}
		return k.digest('c', f.Phone.LikelyRegion()), true
	case perIP:
		if !f.IP.Addr.IsValid() {
			return ledger.Key{}, false
		}
		return k.digestPrefix(p.network(f.IP.Addr)), true
	case perIPCountry:
		return k.digest('C', f.IP.Country), f.IP.Addr.IsValid()
	case perASN:
		return k.digestUint('A', uint64(f.IP.ASN)), f.IP.Addr.IsValid()
	case perDevice:
		return k.digest('d', f.Device), f.Device != ""
	case perEmail:
		if f.Email.IsZero() {
			return ledger.Key{}, false
		}
		return k.digest('e', f.Email.Key()), true
	case perDomain:
		if f.Email.IsZero() {
			return ledger.Key{}, false
		}
		return k.digest('D', f.Email.Domain()), true
	case perSession:
		return k.digest('s', f.session), f.session != ""
	case perHandle:
		if len(f.handles) == 0 {
			return ledger.Key{}, false
		}
		return k.Handle(f.handles[0]), true
	}
	return ledger.Key{}, false
}

// network returns the network of a that p counts for.
func (p per) network(a netip.Addr) netip.Prefix {
	v4, v6 := ipv4Bits, ipv6Bits
	switch {
	case p.bits == 0:
	case p.bits <= ipv4Bits:
		v4 = int(p.bits)
	default:
		v6 = int(p.bits)
	}
	return network.KeyPrefix(a, v4, v6)
}
