package ruleset

import (
	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/request"
)

// shapes writes the shapes as a ruleset does.
func (p *printer) shapes(shapes []shapeSettings) {
	p.line("requests:")
	for _, s := range shapes {
		p.line("  - name: %s", s.name)
		p.indent += 2
		p.line("method: %s", oneOrList(s.Methods, text))
		if len(s.paths) > 0 {
			p.line("path: %s", oneOrList(s.paths, func(path pathPattern) string { return text(string(path)) }))
		}
		if len(s.Where) > 0 {
			p.line("where: %s", list(s.Where, func(w request.Condition) string { return text(w.String()) }))
		}
		p.line("about: %s", s.About)
		if s.About == request.AboutPhone {
			p.line("sends: %t", s.sends)
		}
		if phones := s.phones(); len(phones) > 0 {
			p.line("phone: %s", oneOrList(phones, func(src request.Source) string { return text(src.String()) }))
		}
		p.optional("alone_in", s.AloneIn.String())
		p.optional("email", s.Email.String())
		p.optional("device", s.Device.String())
		if s.noProof {
			p.line("proof: none")
		}
		p.optional("proof", s.Proof.String())
		p.optional("region", regionPlace{s.region, s.Region}.String())
		p.optional("country_code", s.CountryCode.String())
		if s.About == request.AboutPhone {
			p.line("spelling: %s", s.spelling)
		}
		if len(s.handles) > 0 {
			p.line("handle: %s", oneOrList(s.handles, func(h handlePlace) string { return text(h.String()) }))
		}
		if s.About == request.AboutAccount && len(s.handles) > 0 {
			p.line("unseen: %s", s.unseen)
		}
		if s.shows {
			p.line("shows: true")
		}
		if s.verifies {
			p.line("verifies: true")
		}
		if s.answers.own {
			p.answers(&s.answers)
		}
		if len(s.Session) > 0 {
			p.line("session: %s", oneOrList(s.Session, func(c request.Credential) string { return text(c.String()) }))
		}
		p.line("fold: %t", s.Fold)
		p.optional("forms", s.Forms.String())
		p.line("types: %s", map[bool]typesWord{false: "declared", true: "any"}[s.AnyType])
		p.line("max_body: %s", strict.Size(s.MaxBody))
		p.indent -= 2
	}
}

func oneOrList[T any](items []T, text func(T) string) string {
	if len(items) == 1 {
		return text(items[0])
	}
	return list(items, text)
}
