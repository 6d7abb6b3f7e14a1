package request

import "testing"

// What is written by a shape is read by it.
func TestWhatIsWrittenIsRead(t *testing.T) {
	source := func(text string) Source {
		s, err := ParseSource(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	want := Values{Phone: "+1 415 555 0123", Email: "a+b@example.com", Device: "d-1", Proof: "XXXX.DUMMY.TOKEN.XXXX", HasPhone: true, HasEmail: true, HasDevice: true, HasProof: true}
	for name, shape := range map[string]Shape{
		"json":     {Phone: source("json /user/phone"), Email: source("json /user/e~1mail"), Device: source("header X-Device"), Proof: source("json /proof")},
		"form":     {Phone: source("form phone"), Email: source("form email"), Device: source("cookie device"), Proof: source("header X-Proof")},
		"query":    {Phone: source("query phone"), Email: source("query email"), Device: source("cookie device"), Proof: source("cookie proof")},
		"no proof": {Phone: source("json /phone"), Email: source("json /email"), Device: source("json /device"), Proof: source("query proof")},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := shape.Write("http://example.com/otp?page=1", want)
			if err != nil {
				t.Fatal(err)
			}
			got, problem := shape.Read(r)
			if problem != nil {
				t.Fatal(problem)
			}
			if got != want {
				t.Errorf("read %+v", got)
			}
		})
	}
	none := Shape{Phone: source("json /phone")}
	if _, err := none.Write("http://example.com/", want); err == nil || err.Error() != "such a request has no place for the email" {
		t.Errorf("a value without a place: %v", err)
	}
}
