package request

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestPhoneAtSeveralPlaces(t *testing.T) {
	s := shapesOf(t,
		"phone=json /identifier; other=json /address; other=json /traits/phone; where=json /method = code; forms=dots",
		"about=nothing; phone=json /identifier; other=json /address; other=json /traits/phone; email=json /identifier; forms=dots; where=json /method exists")
	for body, want := range map[string]string{
		`{"method":"code","identifier":"+1"}`:                                      "0 phone=+1",
		`{"method":"code","address":"+1"}`:                                         "0 phone=+1",
		`{"method":"code","traits":{"phone":"+1"}}`:                                "0 phone=+1",
		`{"method":"code","identifier":"+1","address":"+1"}`:                       "0 phone=+1",
		`{"method":"code","identifier":"+1","address":""}`:                         "0 phone=+1",
		`{"method":"code","identifier":"a@example.com","address":"+1"}`:            "0 phone=+1",
		`{"method":"code","identifier":"+1","address":"+2"}`:                       "400 bad_request: two numbers, at json /identifier or json /address or json /traits/phone",
		`{"method":"code","identifier":"bob","traits":{"phone":"+2"}}`:             "400 bad_request: two numbers, at json /identifier or json /address or json /traits/phone",
		`{"method":"code","identifier":"a@b.c+1","address":"+2"}`:                  "400 bad_request: two numbers, at json /identifier or json /address or json /traits/phone",
		`{"method":"code","identifier":"a@example.com"}`:                           "1 email=a@example.com",
		`{"method":"code","identifier":"a@example.com","address":"b@example.com"}`: "1 email=a@example.com",
		`{"method":"code","identifier":"a@example.com","address":["+2"]}`:          "400 bad_request: JSON: phone is not one string",
		`{"method":"code","identifier":"a@example.com","Address":"+2"}`:            "400 bad_request: JSON: a key is spelled like a step of json /address and is not it",
		`{"method":"code","identifier":""}`:                                        "1 email=",
		`{"method":"code"}`:                                                        "1",
		`{"method":"password","identifier":"+1"}`:                                  noShape,
		`method=code&identifier=%2B1&address=`:                                     "0 phone=+1",
		`method=code&identifier=%2B1&address=%2B2`:                                 "400 bad_request: two numbers, at form identifier or form address or form traits.phone",
		`method=code&identifier=a%40example.com&traits.phone=%2B2`:                 "0 phone=+2",
	} {
		header := asJSON
		if body[0] != '{' {
			header = "Content-Type: application/x-www-form-urlencoded"
		}
		if got := foundIn(t, s, sent("POST /", body, header), body); got != want {
			t.Errorf("%s: %s\n  want %s", body, got, want)
		}
	}
}

func TestAlone(t *testing.T) {
	const another, within = "another number stands within json /traits beside the one at json /traits/phone", "a number stands within json /traits, and not at json /traits/phone"
	s := shapesOf(t,
		"phone=json /traits/phone; alone=json /traits; forms=dots",
		"about=nothing; phone=json /traits/phone; alone=json /traits; forms=dots")
	for body, want := range map[string]string{
		`{"traits":{"phone":"+14155550100"}}`:                                             "0 phone=+14155550100",
		`{"traits":{"phone":"+14155550100","again":"+14155550100"}}`:                      "0 phone=+14155550100",
		`{"traits":{"phone":"+14155550100","mobile":"+14155550101"}}`:                     another,
		`{"traits":{"mobile":"+14155550101","phone":"+14155550100"}}`:                     another,
		`{"traits":{"phone":"+14155550100","x":{"y":["+1 (415) 555-0101"]}}}`:             another,
		`{"traits":{"phone":"+14155550100","email":"a+1234@example.com"}}`:                "0 phone=+14155550100",
		`{"traits":{"phone":"+14155550100","email":"a@example.com+14155550101"}}`:         another,
		`{"traits":{"email":"a@example.com","born":"1990-01-01","skill":"C++, 2 years"}}`: "1",
		`{"traits":{"email":"a@example.com","mobile":"\u002b14155550101"}}`:               within,
		`{"traits":{"email":"a@example.com","mobile":"\uff0b14155550101"}}`:               within,
		`{"traits":{"email":"a@example.com","mobile":"tel:+\u200b1415555\u0660101"}}`:     within,
		`{"traits":{"email":"a@example.com","mobile":"4155550101;phone-context=+1415"}}`:  within,
		`{"traits":{"email":"a@example.com","mobile":"\"\\\\\" +14155550101"}}`:           within,
		`{"traits":{"email":"a@example.com","mobile":14155550101}}`:                       "1",
		`{"traits":{"contact":"{\"mobile\":\"\\u002b14155550101\"}"}}`:                    within,
		`{"traits":{"quote":"\"to be\"","list":"[a, b]"}}`:                                "1",
		`{"traits":null}`: "1",
		`{}`:              "1",
		`{"traits":"{\"mobile\":\"+14155550101\"}"}`:                  "JSON: json /traits is not an object",
		`{"traits":[{"mobile":"+14155550101"}]}`:                      "JSON: json /traits is not an object",
		`{"traits.mobile":"+14155550101"}`:                            "JSON: a key is spelled like json /traits, or like something within, and is not it",
		`{"Traits":{"mobile":"+14155550101"}}`:                        "JSON: a key is spelled like json /traits, or like something within, and is not it",
		`{"traits[mobile]":"+14155550101"}`:                           "JSON: a key is spelled like json /traits, or like something within, and is not it",
		`{"other":{"mobile":"+14155550101"}}`:                         "1",
		`traits.phone=%2B14155550100`:                                 "0 phone=+14155550100",
		`traits.phone=%2B14155550100&traits.mobile=%2B14155550101`:    another,
		`traits.mobile=%2B14155550101`:                                within,
		`traits.a.b=%EF%BC%8B14155550101`:                             within,
		`traits[mobile]=%2B14155550101`:                               within,
		`Traits.Mobile=%2B14155550101`:                                within,
		`traits.mobile=14155550101&traits.email=a%40example.com`:      "1",
		`traits=%7B%22mobile%22:%22%5Cu002b14155550101%22%7D`:         "form: what holds other fields stands there as one",
		`traits.contact=%7B%22mobile%22:%22%5Cu002b14155550101%22%7D`: within,
		`traits.contact=%20%5B%22%5Cu002b14155550101%22%5D`:           within,
		`other.mobile=%2B14155550101`:                                 "1",
	} {
		header := asJSON
		if body[0] != '{' {
			header = "Content-Type: application/x-www-form-urlencoded"
			want = strings.NewReplacer("json /traits/phone", "form traits.phone", "json /traits", "form traits").Replace(want)
		}
		if want[1:] != "" && want[0] != '0' {
			want = "400 bad_request: " + want
		}
		if got := foundIn(t, s, sent("POST /", body, header), body); got != want {
			t.Errorf("%s: %s\n  want %s", body, got, want)
		}
	}
	if got := foundIn(t, s, sent("POST /?traits.mobile=%2B14155550101", "{}", asJSON), "{}"); !strings.Contains(got, "belongs elsewhere") {
		t.Errorf("in the query: %s", got)
	}
	outside := shapesOf(t, "about=nothing; phone=json /phone; alone=json /traits")
	if got, want := foundIn(t, outside, sent("POST /", `{"traits":"+14155550100"}`, asJSON), `{"traits":"+14155550100"}`), "400 bad_request: JSON: json /traits is not an object"; got != want {
		t.Errorf("a string: %s", got)
	}
	for text, want := range map[string]string{
		"phone=json /phone; alone=json /a/b":                  "json /a/b does not stand at the top: name the member that it lies in",
		"phone=json /phone; alone=query a":                    "query a cannot have other texts in it: name a member of JSON",
		"phone=json /phone; alone=form a":                     "form a: a body is either JSON or a form",
		"phone=json /phone; alone=json /a; region=json /land": "a text in json /a could be a number within a country, which nobody could tell",
		"about=account; other=json /a; session=cookie sid":    "it names other places of the phone, and no first one",
	} {
		if _, err := NewShapes([]Case{caseOf(t, text)}); err == nil || err.Error() != "shape 1: "+want {
			t.Errorf("%s: %v\n  want %s", text, err, want)
		}
	}
}

func TestLooksLikeNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"+14155550100": true, "+1 4 1": true, "x+1(4)15": true, "＋１４１": true, "+x1415": true, "+1X4ー1": true, "tel:4155550100;phone-context=+1": true, "tel:4155550100;Phone-Context=%2B1": true, "C++ for 2 years": false, "++ +141": true, "+14": false, "C++ 2a3b4": false, "141 555": false, "+a141": false, "a+b@example.com": false, "+٤١٥": true, "": false,
	} {
		if got := looksLikeNumber(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// textsIn are all texts in a value of JSON.
func textsIn(v any) (texts []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			texts = append(texts, textsIn(item)...)
		}
	case map[string]any:
		for _, item := range v {
			texts = append(texts, textsIn(item)...)
		}
	}
	return texts
}

// FuzzAlone: in what is accepted, no text looks like a number but the phone, as
// encoding/json and net/url read it.
func FuzzAlone(f *testing.F) {
	for _, seed := range []string{`{"traits":{"phone":"+14155550100","x":["+14155550100","a"]}}`, `{"traits":{"mobile":"\u002b14155550101\ud83d\ude00"}}`, `{"traits.mobile":"+1415"}`, `{"traits":null,"x":"+1415"}`} {
		f.Add(true, seed)
	}
	f.Add(false, "traits.phone=%2B14155550100&traits.x=%EF%BC%8B1415&x=%2B1415")
	f.Add(false, "traits[mobile]=%2B14155550100&traits=%7B%7D")
	s := shapesOf(f,
		"phone=json /traits/phone; alone=json /traits; forms=dots",
		"about=nothing; phone=json /traits/phone; alone=json /traits; forms=dots")
	f.Fuzz(func(t *testing.T, isJSON bool, body string) {
		contentType := asJSON
		if !isJSON {
			contentType = "Content-Type: application/x-www-form-urlencoded"
		}
		found, p := s.Read(sent("POST /", body, contentType))
		if p != nil {
			return
		}
		var texts []string
		if isJSON {
			var members map[string]any
			if err := json.Unmarshal([]byte(body), &members); err != nil && body != "" {
				t.Fatalf("%q is accepted, and is no JSON: %v", body, err)
			}
			for name, v := range members {
				if strings.HasPrefix(strings.ToLower(name), "traits") {
					texts = append(texts, textsIn(v)...)
				}
			}
		} else {
			fields, _ := url.ParseQuery(body)
			for name, values := range fields {
				if strings.HasPrefix(strings.ToLower(name), "traits.") || strings.EqualFold(name, "traits") {
					texts = append(texts, values...)
				}
			}
		}
		for _, text := range texts {
			if looksLikeNumber(text) && !onlyAddress(text) && (found.Case == 1 || text != found.Phone) {
				t.Fatalf("%q: shape %d with %q, and there is %q", body, found.Case, found.Phone, text)
			}
		}
	})
}
