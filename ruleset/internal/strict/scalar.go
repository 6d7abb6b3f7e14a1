package strict

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plain is what YAML takes an unquoted text for.
type plain uint8

const (
	plainString plain = iota
	plainNumber
	plainBool
	plainNull
)

// Numbers in any notation that some version of YAML knows. Whether a reader
// takes 1_000 or 017 for a number, and for which, differs; so none is accepted
// where text is wanted, and only the plain decimal one where a number is.
var (
	anyNumber     = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))$|^\.(nan|NaN|NAN)$`)
	decimalInt    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

func plainType(text string) plain {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return plainNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return plainBool
	}
	if anyNumber.MatchString(text) {
		return plainNumber
	}
	return plainString
}

// notText reports a scalar that YAML does not take for text where text is wanted.
func (d *Decoder) notText(n Node) bool {
	if n.Quoted {
		return false
	}
	what := ""
	switch plainType(n.Text) {
	case plainNumber:
		what = "a number"
	case plainBool:
		what = "a boolean"
	case plainNull:
		what = "nothing"
	default:
		return false
	}
	d.errorHint(n.Pos, fmt.Sprintf("want text, but YAML reads %s as %s", clip(n.Text), what), "quote it: "+quote(n.Text))
	return true
}

// textKey checks a word that the operator may choose.
func (d *Decoder) textKey(key Node) bool {
	if key.Kind == Nothing {
		key.Text = "null"
	}
	if d.notText(key) {
		return false
	}
	if blank(key.Text) {
		d.Errorf(key.Pos, "a name cannot be empty")
		return false
	}
	return true
}

// parsed reads a scalar by the type's own parser.
func (d *Decoder) parsed(n Node, p TextParser, rv reflect.Value) bool {
	if n.Kind != Scalar {
		d.wrongType(n, describe(rv.Type(), d.rule))
		return false
	}
	if err := p.ParseText(n.Text); err != nil {
		rv.SetZero()
		d.Errorf(n.Pos, "%s", err)
		return false
	}
	if _, reads := p.(NumberReader); !reads && d.notText(n) {
		rv.SetZero()
		return false
	}
	return d.within(n, rv)
}

// text reads a string, or a word of an enumeration.
func (d *Decoder) text(n Node, rv reflect.Value) bool {
	if n.Kind != Scalar {
		d.wrongType(n, describe(rv.Type(), d.rule))
		return false
	}
	if words, ok := wordsOf(rv.Type()); ok {
		if !slices.Contains(words, n.Text) {
			hint := "accepted: " + strings.Join(words, ", ")
			if meant := nearest(n.Text, words); meant != "" {
				hint = fmt.Sprintf("did you mean %q? %s", meant, hint)
			}
			d.errorHint(n.Pos, "unknown word "+quote(n.Text), hint)
			return false
		}
	} else if d.notText(n) {
		return false
	} else if blank(n.Text) {
		d.errorHint(n.Pos, "the text is empty", "write one, or leave the word out")
		return false
	}
	rv.SetString(n.Text)
	return true
}

func (d *Decoder) bool(n Node, rv reflect.Value) bool {
	if n.Kind == Scalar && !n.Quoted && (n.Text == "true" || n.Text == "false") {
		rv.SetBool(n.Text == "true")
		return true
	}
	hint := ""
	if n.Kind == Scalar {
		switch strings.ToLower(n.Text) {
		case "yes", "on", "y", "true", "1":
			hint = "say true"
		case "no", "off", "n", "false", "0":
			hint = "say false"
		}
	}
	d.errorHint(n.Pos, "want true or false, got "+n.what(), hint)
	return false
}

func (d *Decoder) int(n Node, rv reflect.Value) bool {
	if n.Kind != Scalar || n.Quoted || !decimalInt.MatchString(n.Text) {
		d.errorHint(n.Pos, fmt.Sprintf("want %s, got %s", describe(rv.Type(), d.rule), n.what()), sayInt(n))
		return false
	}
	value, err := strconv.ParseInt(n.Text, 10, 64)
	fits := err == nil
	if rv.CanUint() {
		fits = fits && value >= 0 && !rv.OverflowUint(uint64(value))
	} else {
		fits = fits && !rv.OverflowInt(value)
	}
	if !fits {
		d.Errorf(n.Pos, "want %s, got %s", describe(rv.Type(), d.rule), n.what())
		return false
	}
	if rv.CanUint() {
		rv.SetUint(uint64(value))
	} else {
		rv.SetInt(value)
	}
	return d.within(n, rv)
}

// sayInt tells how the number that was probably meant is written.
func sayInt(n Node) string {
	if n.Kind != Scalar {
		return ""
	}
	if decimalInt.MatchString(n.Text) { // it was quoted
		return "remove the quotes"
	}
	digits := strings.TrimPrefix(strings.ReplaceAll(n.Text, "_", ""), "+")
	if strings.HasPrefix(digits, "0") && decimalInt.MatchString(strings.TrimLeft(digits, "0")) {
		return "a number does not begin with 0"
	}
	if value, err := strconv.ParseInt(digits, 0, 64); err == nil && !n.Quoted {
		return "say " + strconv.FormatInt(value, 10)
	}
	return ""
}

func (d *Decoder) float(n Node, rv reflect.Value) bool {
	value, err := strconv.ParseFloat(n.Text, 64)
	if n.Kind != Scalar || n.Quoted || !decimalNumber.MatchString(n.Text) || err != nil || math.IsInf(value, 0) {
		hint := ""
		if n.Kind == Scalar && n.Quoted && decimalNumber.MatchString(n.Text) {
			hint = "remove the quotes"
		}
		d.errorHint(n.Pos, fmt.Sprintf("want %s, got %s", describe(rv.Type(), d.rule), n.what()), hint)
		return false
	}
	rv.SetFloat(value)
	return d.within(n, rv)
}

// within checks the bounds that the field's tags give.
func (d *Decoder) within(n Node, rv reflect.Value) bool {
	low, hasLow := bound(d.rule.min, rv)
	high, hasHigh := bound(d.rule.max, rv)
	value, ok := number(rv)
	if !ok || !(hasLow && value.Cmp(low) < 0 || hasHigh && value.Cmp(high) > 0) {
		return true
	}
	d.Errorf(n.Pos, "want %s, got %s", describe(rv.Type(), d.rule), clip(n.Text))
	return false
}

// bound reads a min or max tag as the type of rv.
func bound(tag string, rv reflect.Value) (*big.Float, bool) {
	if tag == "" {
		return nil, false
	}
	v := reflect.New(rv.Type())
	if p, ok := v.Interface().(TextParser); ok {
		if err := p.ParseText(tag); err != nil {
			panic(fmt.Sprintf("strict: bound %q of %s: %v", tag, rv.Type(), err))
		}
		return number(v.Elem())
	}
	f, _, err := big.ParseFloat(tag, 10, 64, big.ToNearestEven)
	if err != nil {
		panic(fmt.Sprintf("strict: bound %q of %s: %v", tag, rv.Type(), err))
	}
	return f, true
}

func number(rv reflect.Value) (*big.Float, bool) {
	switch {
	case rv.CanInt():
		return new(big.Float).SetInt64(rv.Int()), true
	case rv.CanUint():
		return new(big.Float).SetUint64(rv.Uint()), true
	case rv.CanFloat():
		return big.NewFloat(rv.Float()), true
	}
	return nil, false
}

// clip shortens what is quoted from the file.
func clip(s string) string {
	const most = 60
	runes := []rune(s[:min(len(s), 4*most+4)])
	if len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return printable(s)
}

// quote is clip in double quotes.
func quote(s string) string { return strconv.Quote(clip(s)) }
