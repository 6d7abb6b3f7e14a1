package risk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 64 << 10

// errNoScore says that the answer is well, and has no score for the address.
var errNoScore = errors.New("the answer has no score where the JSON Pointer says")

// read returns the score that stands at p in an answer. Its errors do not quote the answer.
func read(body []byte, p pointer) (float64, error) {
	if !utf8.Valid(body) {
		return 0, errors.New("the answer is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	value, err := find(dec, p)
	if err != nil && !errors.Is(err, errNoScore) {
		return 0, err
	}
	if _, end := dec.Token(); end != io.EOF {
		return 0, errors.New("something follows the JSON in the answer")
	}
	if err != nil {
		return 0, err
	}
	return number(value)
}

var errNotJSON = errors.New("the answer is not JSON")

// find reads one value and returns what stands at p in it. It reads the value to
// its end also if there is nothing.
func find(dec *json.Decoder, p pointer) (json.RawMessage, error) {
	if len(p) == 0 {
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil, errNotJSON
		}
		return value, nil
	}
	open, err := dec.Token()
	if err != nil {
		return nil, errNotJSON
	}
	bracket, nested := open.(json.Delim)
	if !nested {
		return nil, errNoScore
	}
	place, isPlace := index(p[0])
	var found json.RawMessage
	missing := errNoScore
	for i, seen := 0, false; dec.More(); i++ {
		here := isPlace && i == place
		if bracket == '{' {
			name, err := dec.Token()
			if err != nil {
				return nil, errNotJSON
			}
			here = name == p[0]
		}
		if !here {
			if skip(dec) != nil {
				return nil, errNotJSON
			}
			continue
		}
		if seen {
			return nil, errors.New("the answer has a name twice on the way to the score")
		}
		seen = true
		switch found, err = find(dec, p[1:]); {
		case errors.Is(err, errNoScore):
		case err != nil:
			return nil, err
		default:
			missing = nil
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotJSON
	}
	return found, missing
}

func skip(dec *json.Decoder) error {
	var value json.RawMessage
	return dec.Decode(&value)
}

// number reads a score.
func number(value json.RawMessage) (float64, error) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(value))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return 0, errNotJSON
	}
	var text string
	switch v := v.(type) {
	case nil:
		return 0, errNoScore
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case json.Number:
		text = v.String()
	case string:
		// What is a number in JSON, and none of what ParseFloat takes besides.
		if !json.Valid([]byte(v)) || v == "" || v[0] != '-' && (v[0] < '0' || v[0] > '9') || v[len(v)-1] < '0' {
			return 0, errors.New("the score is a text that is no number")
		}
		text = v
	case []any:
		return 0, errors.New("the score is a list: the JSON Pointer has to go on to a number")
	default:
		return 0, errors.New("the score is an object: the JSON Pointer has to go on to a number")
	}
	score, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(score, 0) {
		return 0, errors.New("the score is no number that can be worked with")
	}
	return score, nil
}
