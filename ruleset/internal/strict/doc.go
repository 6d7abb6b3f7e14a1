// Package strict reads one YAML document into Go structs, and reports all that
// is wrong with it at once, in the words of the file: where, what, and what
// would be right.
//
//	src := strict.NewSource("otp.rules.yaml", text)
//	var file struct {
//		strict.At
//		Version strict.Value[int] `yaml:"version" doc:"Version of the language." min:"1" max:"1"`
//		Geo     *Geo              `yaml:"geo" doc:"Where requests may come from."`
//	}
//	ok := src.Decode(&file)
//	src.Errorf(file.Version.Pos, "…")  // what only the compiler can know
//	return src.Problems()
//
// The struct types are the single description of the language: [Schema] makes
// the JSON Schema for editors from them, and [Reference] the table for people.
//
// # Tags
//
//	yaml:"name"      the word in the file; fields without it are not in the language
//	doc:"Sentence."  for people and for the schema
//	default:"60s"    what holds when the word is left out, as it would be written or in words; documentation only
//	example:"5m"     a value to show
//	min:"1" max:"9"  bounds of numbers, durations and sizes
//	required:"true"  the word must be written
//
// A field is a string, bool, integer, float, [Duration], [Size], a slice, a
// struct (embedded ones without a tag are read in place), a pointer to a struct (nil: section left out), a string type with a
// Words method (an enumeration), a type that is a [TextParser] or a
// [NodeUnmarshaler], or one of the wrappers [Value], [Many], [AnyOr] and [Map].
//
// # What is refused
//
// Everything that two readers could understand differently: unknown and
// repeated words, anchors, aliases, merge keys, tags, directives, several
// documents, nulls, numbers where text is wanted and the reverse, numbers in any
// notation but the plain decimal one, control characters and text that hides its direction.
// Aliases being refused, a small file cannot unfold into a large one.
package strict
