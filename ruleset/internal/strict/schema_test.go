package strict

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"
)

func TestSchema(t *testing.T) {
	text, err := Schema(testFile{}, "test rules")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/schema.json", text)
	again, err := Schema(&testFile{}, "test rules")
	if err != nil || string(again) != string(text) {
		t.Errorf("not the same a second time: %v", err)
	}

	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		valid      bool
	}{
		{"everything", good1, true},
		{"the least", "version: 1", true},
		{"no version", "name: x", false},
		{"unknown word", "version: 1\nnmae: x", false},
		{"unknown word inside", "version: 1\ngeo: {mach: off}", false},
		{"any", "version: 1\ngeo: {countries: any}", true},
		{"one", "version: 1\ngeo: {countries: US}", true},
		{"not a country", "version: 1\ngeo: {countries: us}", false},
		{"word of an enumeration", "version: 1\ngeo: {match: deny}", true},
		{"no such word", "version: 1\ngeo: {match: denny}", false},
		{"bare number for a time", "version: 1\nlimits: [{max: 1, in: 60}]", false},
		{"required word left out", "version: 1\nlimits: [{max: 1}]", false},
		{"out of bounds", "version: 1\nlimits: [{max: 0, in: 1s}]", false},
		{"a prefix as a number", "version: 1\ndeny: [+1900]", false},
		{"short form", "version: 1\nban: 1h", true},
		{"long form", "version: 1\nban: {for: 1h}", true},
		{"null", "version: 1\nname:", false},
		{"no list", "version: 1\nlimits: none", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var value any
			if err := yaml.Unmarshal([]byte(c.text), &value); err != nil {
				t.Fatal(err)
			}
			err := resolved.Validate(value)
			if (err == nil) != c.valid {
				t.Errorf("schema: %v, want valid: %v", err, c.valid)
			}
			src := NewSource("f", []byte(c.text))
			if src.Decode(new(testFile)) != c.valid {
				t.Errorf("decoder disagrees:\n%s", src.Problems().Render())
			}
		})
	}
}

func TestSchemaRefusesFalseExample(t *testing.T) {
	var wrong struct {
		Every Value[Duration] `yaml:"every" example:"60"`
	}
	_, err := Schema(wrong, "")
	if err == nil || !strings.HasPrefix(err.Error(), `example of "every" cannot be written: example:1:8: every: want a time`) {
		t.Error(err)
	}
}

func TestReference(t *testing.T) {
	var b strings.Builder
	for _, w := range Reference(testFile{}) {
		fmt.Fprintf(&b, "%s | %s | %s | %v | %s\n", w.Path, w.Type, w.Default, w.Required, w.Doc)
	}
	golden(t, "testdata/reference.txt", []byte(b.String()))
}
