package ruleset

import (
	"slices"

	"github.com/otpgate/otpgate/ruleset/network"
)

// set returns the lists of these names.
func (l *lists) set(names []string) (s network.Set) {
	for _, name := range names {
		if i, ok := l.Index(name); ok {
			s = s.With(i)
		}
	}
	return s
}

// askNetwork refuses addresses for the lists they are in, for what databases tell
// of them, and for what they are, unless they are in a list of trust.
func askNetwork(n *networkSettings, lists *lists, databases *network.Databases) func(*Facts) finding {
	trust, deny := lists.set(n.trust), lists.set(lists.denied)
	var traits network.Traits
	for _, d := range n.deny {
		traits |= d.traits
	}
	if n.private != "deny" && n.tunnels != "deny" && deny.IsEmpty() && traits == 0 {
		return nil
	}
	byASN := slices.ContainsFunc(n.deny, func(d denied) bool { return d.asns })
	refuse := func(rule string) finding { return refusal(rule, NetworkRefused) }
	return func(f *Facts) finding {
		if !f.IP.Lists.And(trust).IsEmpty() {
			return finding{}
		}
		if name := lists.now.Load().refuses; name != "" {
			return refuse(name + " not loaded")
		}
		switch kind := kindOf(&f.IP); {
		case n.tunnels == "deny" && kind.IsTunnel():
			return refuse(kind.String())
		case n.private == "deny" && isPrivate(kind):
			f := refuse(privateRule)
			f.detail = whatIsPrivate(kind)
			return f
		}
		if !f.IP.Lists.And(deny).IsEmpty() || f.IP.Traits&traits != 0 {
			return refuse(deniedAs(n.deny, lists, &f.IP))
		}
		if f.IP.Err != nil { // it might be a denied one
			switch {
			case byASN && f.IP.ASN == 0:
				return refuse("asn unknown")
			case traits != 0 && !databases.TellsTrait(traits):
				return refuse("traits unknown")
			}
		}
		return finding{}
	}
}

// deniedAs returns the first word of deny that speaks of the address.
func deniedAs(deny []denied, lists *lists, ip *network.Facts) string {
	for _, d := range deny {
		if i, ok := lists.Index(d.word); d.listed && ok && ip.Lists.Has(i) || ip.Traits&d.traits != 0 {
			return d.word
		}
	}
	return ""
}

// kindOf returns what an address is: of NAT64, what the client's own is.
func kindOf(ip *network.Facts) network.Kind {
	if ip.Kind == network.NAT64 && ip.Inner.IsValid() {
		return network.KindOf(ip.Inner)
	}
	return ip.Kind
}

// isPrivate reports whether nobody has such an address on the internet. Those for
// documentation are what examples have, and count as public.
func isPrivate(k network.Kind) bool {
	switch k {
	case network.NoAddress, network.Public, network.Documentation, network.SixToFour, network.Teredo:
		return false
	default:
		return true
	}
}

// privateRule stands for an address that is in no country because it is not one
// of the internet.
const privateRule = "private"

// unknownCountry returns what is done about an address of no known country.
func unknownCountry(s *settings) func(*Facts) finding {
	unknown := findingOf(string(s.geo.unknown), "unknown", CountryRefused)
	private := findingOf(string(s.geo.unknown), privateRule, CountryRefused)
	if s.network.private == "allow" {
		private = finding{}
	}
	return func(f *Facts) finding {
		kind := kindOf(&f.IP)
		if !isPrivate(kind) {
			return unknown
		}
		found := private
		if found.then != "" {
			found.detail = whatIsPrivate(kind)
		}
		return found
	}
}

// whatIsPrivate explains the refusal of a private address to an operator who did
// not expect one.
func whatIsPrivate(k network.Kind) string {
	return "the address is no public one (" + k.String() + "): behind a proxy, name it in Caddy's trusted_proxies; to let such addresses through write network: {private: allow}"
}

// askCountry refuses addresses of other countries.
func askCountry(s *settings) func(*Facts) finding {
	g := &s.geo
	if g.countries.any {
		return nil
	}
	served := setOf(g.countries.words)
	unknown := unknownCountry(s)
	return func(f *Facts) finding {
		switch {
		case f.IP.Country == "":
			return unknown(f)
		case served[f.IP.Country]:
			return finding{}
		default:
			return refusal("countries", CountryRefused)
		}
	}
}

// askMatch compares the number's country with the address's.
func askMatch(s *settings) func(*Facts) finding {
	g := &s.geo
	if g.match == "off" {
		return nil
	}
	differs := findingOf(string(g.match), "match", CountryRefused)
	unknown := unknownCountry(s)
	known := g.countries.any // otherwise askCountry has asked already
	return func(f *Facts) finding {
		switch {
		case f.Phone.IsZero():
			return finding{}
		case f.IP.Country == "":
			if known {
				return unknown(f)
			}
			return finding{}
		case f.IP.Country != f.Phone.LikelyRegion() && !mayBeOf(f.Phone, f.IP.Country):
			return differs
		default:
			return finding{}
		}
	}
}
