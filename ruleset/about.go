package ruleset

import (
	"net/netip"
	"path/filepath"

	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/phone"
)

// AboutAddress is what a ruleset knows of an address, and what those checks
// answer that ask for nothing else.
type AboutAddress struct {
	Facts network.Facts
	Lists []InList
	Steps []Step
}

// InList is a list that an address is in.
type InList struct {
	Name string
	File string // the path of the file that it is in; "" if it is in none, or not only
	Own  bool   // it stands in the ruleset, or in File, and nothing of it is fetched
}

// AboutAddress looks an address up. It counts nothing.
func (r *Ruleset) AboutAddress(a netip.Addr) AboutAddress {
	f := Facts{IP: r.sources.Facts(a)}
	about := AboutAddress{Facts: f.IP, Steps: r.about(&f, CheckNetwork, CheckGeo)}
	for i, source := range r.lists.sources {
		if f.IP.Lists.Has(i) {
			about.Lists = append(about.Lists, r.inList(source))
		}
	}
	return about
}

func (r *Ruleset) inList(source listSource) InList {
	in := InList{Name: source.name}
	for _, l := range r.settings.network.lists {
		if l.name == source.name {
			in.Own = len(source.feeds) == 0 && !l.shipped
			if l.file != "" {
				in.File = r.beside(l.file)
			}
		}
	}
	return in
}

// beside returns the path of a file that the ruleset names.
func (r *Ruleset) beside(name string) string {
	if filepath.IsAbs(name) || len(r.files) == 0 {
		return name
	}
	return filepath.Join(filepath.Dir(r.files[0]), name)
}

// AboutNumber is what a ruleset knows of a phone number, and what those checks
// answer that ask for nothing else.
type AboutNumber struct {
	Number phone.Number // the zero Number if it cannot be read
	Lists  []string     // names of the lists that it is in
	Price  Price        // where there is a budget
	Steps  []Step
}

// AboutNumber looks a number up, in any spelling that the ruleset reads. It
// counts nothing.
func (r *Ruleset) AboutNumber(raw string) AboutNumber {
	n, err := r.parsePhone(raw)
	if err != nil {
		refused := Step{Check: CheckNumber, Answer: "deny", Code: PhoneInvalid, Detail: err.Error()}
		return AboutNumber{Steps: []Step{refused}}
	}
	f := Facts{Phone: n, PhoneLists: r.numbers.Of(n), Price: r.priceOf(n)}
	return AboutNumber{n, r.numbers.Names(f.PhoneLists), f.Price, r.about(&f, CheckNumber, CheckBudget)}
}

// about returns what the checks of these names answer to f.
func (r *Ruleset) about(f *Facts, names ...Check) []Step {
	var steps []Step
	p := r.policyFor(f)
	for _, name := range names {
		s, asked := Step{Check: name, Answer: "pass"}, false
		for _, c := range p.checks {
			if c.name != name || s.Code != "" {
				continue
			}
			asked = true
			s.found(new(decision), c.ask(f), c.shadow)
		}
		if asked {
			steps = append(steps, s)
		}
	}
	return steps
}
