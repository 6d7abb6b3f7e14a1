package ruleset

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/parser"

	"github.com/otpgate/otpgate/ruleset/internal/strict"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/network/feed"
)

// rule is a condition of the operator's own.
type rule struct {
	name   string
	then   thenWord
	shadow bool
	source string      // the condition as it was written; empty for always
	met    cel.Program // nil for always
}

// ResolveName implements [cel.Activation]. A score that is not there yet is not
// known here, so that conditions which do not depend on it can be worked out.
func (c *condition) ResolveName(name string) (any, bool) {
	i, ok := factIndex[name]
	if !ok {
		return nil, false
	}
	if facts[i].scored && c.unscored {
		c.wanted = true
		return nil, false
	}
	return facts[i].get(c), true
}

// Parent implements [cel.Activation].
func (c *condition) Parent() cel.Activation { return nil }

// conditions is the language of conditions: CEL over the facts.
var conditions = func() func() (*cel.Env, error) {
	opts := []cel.EnvOption{cel.CrossTypeNumericComparisons(true)}
	for _, f := range facts {
		opts = append(opts, cel.Variable(f.name, f.typ))
	}
	return func() (*cel.Env, error) { return cel.NewEnv(opts...) }
}()

// maxConditionCost bounds what one condition may cost a request. A comparison
// costs about 1.
const maxConditionCost = 10_000

// ask reports whether the facts meet the condition. If it cannot be worked
// out, it is met by whatever is stricter: a rule that allows is not met, the
// others are.
func (r *rule) ask(c *condition) (bool, error) {
	if r.met == nil {
		return true, nil
	}
	out, _, err := r.met.Eval(c)
	if err != nil {
		return r.then != "allow", fmt.Errorf("rule %q: %w", r.name, err)
	}
	return out == types.True, nil
}

func (c *compiler) compileRules(sections []ruleSection) []rule {
	if len(sections) == 0 {
		return nil
	}
	env, err := conditions()
	if err != nil {
		c.src.Errorf(strict.Pos{}, "conditions: %v", err)
		return nil
	}
	var rules []rule
	var ended []reach
	names := make(map[string]int)
	for i := range sections {
		s := &sections[i]
		r := rule{name: s.Name.V, then: s.Then.V, shadow: s.Shadow.V, source: s.If.V}
		if line, ok := names[r.name]; ok && s.Name.Good() {
			c.src.Errorf(s.Name.Pos, "two rules are called %q: the other is in line %d", r.name, line)
		} else {
			names[r.name] = s.Name.Pos.Line
		}
		if !s.Then.Good() {
			continue
		}
		if r.then == "challenge" && c.require == "never" {
			c.src.Errorf(s.Then.Pos, "then: challenge can never be met: human.require is never; use deny, or require: challenged")
		}
		when := reach{name: r.name, line: s.Pos.Line, cases: [][]string{{}}}
		if s.If.Bad {
			continue
		}
		if s.If.Set {
			if r.met, when.cases = c.compileCondition(env, s); r.met == nil {
				continue
			}
		}
		if before := slices.IndexFunc(ended, func(e reach) bool { return e.includes(when) }); before >= 0 {
			c.src.Errorf(s.Pos, "rule %q is never reached: rule %q (line %d) takes every request that it would", r.name, ended[before].name, ended[before].line)
		}
		if r.then != "flag" && !r.shadow {
			ended = append(ended, when)
		}
		rules = append(rules, r)
	}
	return rules
}

// compileCondition returns the program of a condition, or nil, and when it is
// met: one of the cases, each of which is a list of things that must all hold.
func (c *compiler) compileCondition(env *cel.Env, s *ruleSection) (cel.Program, [][]string) {
	checked, issues := env.Compile(s.If.V)
	if issues != nil && issues.Err() != nil {
		for _, e := range issues.Errors() {
			pos := c.inside(s.If, e.Location.Line(), e.Location.Column())
			message, hint := explainCEL(e.Message, dottedName(s.If.V, e.Location.Line(), e.Location.Column()))
			c.src.Error(pos, fmt.Sprintf("rule %q: %s", s.Name.V, message), hint)
		}
		return nil, nil
	}
	if checked.OutputType() != cel.BoolType {
		c.src.Errorf(s.If.Pos, "rule %q: a condition is true or false, but this is %s", s.Name.V, checked.OutputType())
		return nil, nil
	}
	if !c.checkWords(checked, s) {
		return nil, nil
	}
	c.needsOf(checked, s)
	checked = folded(env, checked)
	if e := checked.NativeRep().Expr(); e.Kind() == celast.LiteralKind {
		if e.AsLiteral() == types.False {
			c.src.Errorf(s.If.Pos, "rule %q never applies: its condition is always false", s.Name.V)
			return nil, nil
		}
		return constantTrue(env), [][]string{{}}
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxConditionCost))
	if err != nil {
		c.src.Errorf(s.If.Pos, "rule %q: %v", s.Name.V, err)
		return nil, nil
	}
	return program, casesOf(checked.NativeRep())
}

// folded works out what is constant in a condition, or leaves it as it is.
func folded(env *cel.Env, checked *cel.Ast) *cel.Ast {
	folding, err := cel.NewConstantFoldingOptimizer()
	if err != nil {
		return checked
	}
	optimizer, err := cel.NewStaticOptimizer(folding)
	if err != nil {
		return checked
	}
	optimized, issues := optimizer.Optimize(env, checked)
	if issues != nil && issues.Err() != nil {
		return checked
	}
	return optimized
}

func constantTrue(env *cel.Env) cel.Program {
	checked, _ := env.Compile("true")
	program, _ := env.Program(checked)
	return program
}

// inside returns the place of a line (from 1) and column (from 0) within a
// value of the file.
func (c *compiler) inside(v strict.Value[string], line, column int) strict.Pos {
	return insideScalar(c.text, v.Pos, line, column)
}

// explainCEL puts what CEL says into the words of a ruleset. The name is what
// stands at the place.
func explainCEL(message, name string) (text, hint string) {
	rest, undeclared := strings.CutPrefix(message, "undeclared reference to '")
	if !undeclared {
		return message, ""
	}
	if first, _, _ := strings.Cut(rest, "'"); !strings.HasPrefix(name, first) {
		name = first // of a function the place is its bracket
	}
	var known, alike []string
	group, _, _ := strings.Cut(name, ".")
	for _, f := range facts {
		known = append(known, f.name)
		if strings.HasPrefix(f.name, group+".") {
			alike = append(alike, f.name)
		}
	}
	hint = "facts are phone.…, ip.…, risk.…, email.…, device.…, proof.…, request.…, mode and now"
	if len(alike) > 0 {
		hint = "facts: " + strings.Join(alike, ", ")
	}
	if meant := strict.Nearest(name, known); meant != "" {
		hint = fmt.Sprintf("did you mean %q? %s", meant, hint)
	}
	return fmt.Sprintf("there is no fact or function %q", name), hint
}

// dottedName returns the name that stands in text at a line (from 1) and
// column (from 0).
func dottedName(text string, line, column int) string {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) || column < 0 {
		return ""
	}
	rest := []rune(lines[line-1])
	if column > len(rest) {
		return ""
	}
	rest = rest[column:]
	end := slices.IndexFunc(rest, func(r rune) bool {
		return r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end >= 0 {
		rest = rest[:end]
	}
	return string(rest)
}

func oneOf(what, got string, accepted []string) error {
	if slices.Contains(accepted, got) {
		return nil
	}
	return wordError(what, got, accepted)
}

// members are the words that a list can hold.
func (c *compiler) members(s *ruleSection) map[string]func(string) error {
	return map[string]func(string) error{
		"ip.lists": func(list string) error {
			if c.findList(list, s.If.Pos) {
				return nil
			}
			return wordError("list", list, append(c.ownLists(), shippedLists()...))
		},
		"ip.traits":   func(trait string) error { return oneOf("trait", trait, network.AllTraits()) },
		"phone.lists": func(list string) error { return oneOf("list of numbers", list, c.numberListNames()) },
	}
}

// checkWords objects to comparisons that can never hold, such as phone.country
// == "UK".
func (c *compiler) checkWords(checked *cel.Ast, s *ruleSection) bool {
	ok := true
	info := checked.NativeRep().SourceInfo()
	check := func(accepts func(string) error, e celast.Expr) {
		if e.Kind() != celast.LiteralKind {
			return
		}
		word, isString := e.AsLiteral().(types.String)
		if !isString || word == "" {
			return
		}
		if err := accepts(string(word)); err != nil {
			at := info.GetStartLocation(e.ID())
			c.src.Errorf(c.inside(s.If, at.Line(), at.Column()), "rule %q: %v", s.Name.V, err)
			ok = false
		}
	}
	celast.PostOrderVisit(checked.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case operators.Equals, operators.NotEquals:
			if accepts := c.domain(nameOf(args[0])); accepts != nil {
				check(accepts, args[1])
			}
			if accepts := c.domain(nameOf(args[1])); accepts != nil {
				check(accepts, args[0])
			}
		case operators.In:
			if accepts := c.members(s)[nameOf(args[1])]; accepts != nil {
				check(accepts, args[0])
			}
			if accepts := c.domain(nameOf(args[0])); accepts != nil && args[1].Kind() == celast.ListKind {
				for _, e := range args[1].AsList().Elements() {
					check(accepts, e)
				}
			}
		}
	}))
	return ok
}

// domain returns what tells which words a fact can be equal to; nil if it can be
// anything.
func (c *compiler) domain(fact string) func(string) error {
	if fact != "request.shape" || c.doc.Requests.Bad {
		return domains[fact]
	}
	return func(s string) error {
		if !c.doc.Requests.Set {
			return errors.New("all requests have one shape, which has no name: take request.shape out, or write requests in place of request")
		}
		return oneOf("shape of requests", s, shapeNames(c.doc.Requests.V))
	}
}

// needsOf notes which databases and services a condition asks.
func (c *compiler) needsOf(checked *cel.Ast, s *ruleSection) {
	celast.PostOrderVisit(checked.NativeRep().Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		i, ok := factIndex[nameOf(e)]
		if !ok {
			return
		}
		f := &facts[i]
		who := fmt.Sprintf("rule %q, which asks for %s,", s.Name.V, f.name)
		switch {
		case f.scored:
			c.scored = true
			c.needRisk(s.If.Pos, who)
		case f.traits != 0:
			word := strings.TrimPrefix(f.name, "ip.")
			otherwise := "or take this out of the ruleset"
			if _, shipped := feed.Lookup(word); shipped {
				otherwise = fmt.Sprintf("or ask the list of that name: %q in ip.lists", word)
			}
			c.needTraits(s.If.Pos, f.traits, word, who, otherwise)
		case f.field != "":
			c.needField(s.If.Pos, f.field, who)
		}
	}))
}

// nameOf returns the fact that e names, or nothing.
func nameOf(e celast.Expr) string {
	if e.Kind() == celast.IdentKind {
		return strings.TrimPrefix(e.AsIdent(), ".")
	}
	return ""
}

// reach says which requests a rule takes.
type reach struct {
	name  string
	line  int
	cases [][]string // one of these, of each all; a case of nothing is always
}

// includes reports whether every request that other would take is taken by e.
// It can miss some, since conditions are compared by their text.
func (e reach) includes(other reach) bool {
	for _, o := range other.cases {
		covered := slices.ContainsFunc(e.cases, func(c []string) bool {
			return !slices.ContainsFunc(c, func(term string) bool { return !slices.Contains(o, term) })
		})
		if !covered {
			return false
		}
	}
	return true
}

// casesOf splits a condition at its outermost || and &&.
func casesOf(a *celast.AST) [][]string {
	var cases [][]string
	for _, alternative := range split(a.Expr(), operators.LogicalOr) {
		var terms []string
		for _, term := range split(alternative, operators.LogicalAnd) {
			text, err := parser.Unparse(term, a.SourceInfo())
			if err != nil {
				text = fmt.Sprintf("term %d", term.ID()) // equal to nothing else
			}
			terms = append(terms, text)
		}
		cases = append(cases, terms)
	}
	return cases
}

func split(e celast.Expr, operator string) []celast.Expr {
	if e.Kind() != celast.CallKind || e.AsCall().FunctionName() != operator {
		return []celast.Expr{e}
	}
	var parts []celast.Expr
	for _, arg := range e.AsCall().Args() {
		parts = append(parts, split(arg, operator)...)
	}
	return parts
}
