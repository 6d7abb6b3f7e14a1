package request

import (
	"encoding/json"
	"testing"
)

func TestAddressInThePhonesPlace(t *testing.T) {
	s := shapesOf(t,
		"about=email; path=/login; phone=json /identifier; email=json /identifier",
		"path=/login; phone=json /identifier",
	)
	for text, shape := range map[string]int{
		"a@example.com":                          0,
		"14155550100@example.com":                0,
		"+14155550100@example.com":               0,
		"a.b+c_d-e@mail-1.163.com":               0,
		"+14155550100":                           1,
		"a":                                      1,
		"@":                                      1,
		"@example.com":                           1,
		"a@":                                     1,
		"a@example":                              1,
		"a@example.":                             1,
		"a@@example.com":                         1,
		"a@b@example.com":                        1,
		"a@example.com+14155550100":              1,
		"a@example.com +14155550100":             1,
		"a@example.com\uff0b14155550100":         1,
		"+14155550100 a@example.com":             1,
		"+14155550100/x@example.com":             1,
		"+14155550100\\x@example.com":            1,
		"+14155550100;isub=a@example.com":        1,
		"+14155550100;ext=a@example.com":         1,
		"tel:+14155550100;x=a@example.com":       1,
		"+14155550100#a@example.com":             1,
		"a@example.com;phone-context=+1":         1,
		"a@1.4155550100":                         1,
		"a@\u0661\u0664\u0661\u0665.example.com": 1,
		"a@example.com\n":                        1,
	} {
		found, problem := s.Read(sent("POST /login", `{"identifier":"`+escaped(text)+`"}`, "Content-Type: application/json"))
		if problem != nil || found.Case != shape {
			t.Errorf("%q: shape %d, %v, want %d", text, found.Case, problem, shape)
			continue
		}
		if email := shape == 0; email != (found.Email == text) || email == (found.Phone == text) {
			t.Errorf("%q: read as %+v", text, found.Values)
		}
	}
	account := shapesOf(t, "about=account; path=/login; phone=json /identifier; email=json /identifier; handle=query flow")
	for body, fits := range map[string]bool{
		`{"identifier":"a@example.com"}`: true, `{}`: true, `{"identifier":"+14155550100"}`: false, `{"identifier":""}`: true, `{"identifier":"a@b.c+14155550100"}`: false,
	} {
		if _, problem := account.Read(sent("POST /login?flow=f", body, "Content-Type: application/json")); fits != (problem == nil) {
			t.Errorf("about an account: %s: %v", body, problem)
		}
	}
	for _, body := range []string{
		`{"identifier":"a@example.com","Identifier":"+14155550100"}`,
		`{"identifier":"a@example.com","identifier":"+14155550100"}`,
		`{"identifier":["a@example.com"]}`,
		`{"identifier":{"x":"a@example.com"}}`,
		`{"identifier":"a@example.com\u0000"}`,
	} {
		if found, problem := s.Read(sent("POST /login", body, "Content-Type: application/json")); problem == nil {
			t.Errorf("%s has shape %d", body, found.Case)
		}
	}
}

// escaped writes s as the inside of a string of JSON.
func escaped(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted[1 : len(quoted)-1])
}
