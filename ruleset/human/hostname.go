package human

import (
	"errors"
	"net/netip"
	"strings"
)

const maxHostname = 253 // bytes, RFC 1035

// hostnames are the hosts whose pages may make a token. Empty accepts all.
type hostnames struct {
	exact map[string]bool
	under map[string]bool // "example.com" for "*.example.com"
}

// newHostnames reads names such as "login.example.com", or "*.example.com" for
// exactly one label more, as in certificates.
func newHostnames(names []string) (hostnames, error) {
	h := hostnames{exact: map[string]bool{}, under: map[string]bool{}}
	for _, name := range names {
		name = strings.ToLower(name)
		parent, wild := strings.CutPrefix(name, "*.")
		switch {
		case !isHostname(parent):
			return h, errors.New(`want a name like login.example.com or *.example.com: no scheme, port or path, and international names in their xn-- form`)
		case wild && !strings.Contains(parent, "."):
			return h, errors.New(`a "*." needs at least two labels behind it, as in *.example.com`)
		case wild && isAddr(parent):
			return h, errors.New(`a "*." cannot stand before an address`)
		case wild:
			h.under[parent] = true
		default:
			h.exact[name] = true
		}
	}
	return h, nil
}

// accept reports whether a token made on a page of host will do.
func (h hostnames) accept(host string) bool {
	if len(h.exact) == 0 && len(h.under) == 0 {
		return true
	}
	host = strings.ToLower(host)
	if h.exact[host] {
		return true
	}
	_, parent, ok := strings.Cut(host, ".")
	return ok && h.under[parent] && isHostname(host)
}

func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// isHostname takes lower-case names of letters, digits, hyphens and
// underscores, and dotted IPv4 addresses, which have the same form.
func isHostname(s string) bool {
	if len(s) > maxHostname {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
