package human

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// answer is what siteverify says of one token. cdata and metadata are not
// kept: no promise of ours depends on them.
type answer struct {
	success     bool
	codes       []string // as sent
	challengeTS string
	hostname    string
	action      string
}

// decodeAnswer reads one JSON object with a boolean success. Names are
// compared exactly and may come once: encoding/json alone would let a second
// "Success" overrule the first. Fields nobody documented are passed over, as
// Cloudflare asks of its callers. Errors never quote the body.
func decodeAnswer(body []byte) (answer, error) {
	var a answer
	if !utf8.Valid(body) {
		return a, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return a, errors.New("not a JSON object")
	}
	fields := map[string]any{
		"success":      &a.success,
		"error-codes":  &a.codes,
		"challenge_ts": &a.challengeTS,
		"hostname":     &a.hostname,
		"action":       &a.action,
	}
	seen := make(map[string]bool, len(fields))
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return answer{}, errors.New("not JSON")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return answer{}, errors.New("not JSON")
		}
		key, _ := name.(string)
		into, known := fields[key]
		if !known {
			continue
		}
		if seen[key] {
			return answer{}, fmt.Errorf("%s comes twice", key)
		}
		seen[key] = true
		// null would leave success as it is; that is no answer.
		if err := json.Unmarshal(raw, into); err != nil || (key == "success" && string(raw) == "null") {
			return answer{}, fmt.Errorf("%s has the wrong type", key)
		}
	}
	if _, err := dec.Token(); err != nil {
		return answer{}, errors.New("not JSON")
	}
	if _, err := dec.Token(); err != io.EOF {
		return answer{}, errors.New("something follows the JSON object")
	}
	if !seen["success"] {
		return answer{}, errors.New("success is missing")
	}
	return a, nil
}
