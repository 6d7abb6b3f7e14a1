package answer_test

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
)

// A server that answers 401 after it has sent.
func Example() {
	sign := func(text string) answer.Sign {
		s, err := answer.ParseSign(text)
		if err != nil {
			panic(err)
		}
		return s
	}
	reader, err := answer.New(answer.Rules{
		Sent:    []answer.Sign{sign("200-299"), sign("401 and json /code = PHONE_NUMBER_NOT_VERIFIED")},
		NotSent: []answer.Sign{sign("400-499")},
	})
	if err != nil {
		panic(err)
	}
	for _, body := range []string{`{"code":"PHONE_NUMBER_NOT_VERIFIED"}`, `{"code":"INVALID_PASSWORD"}`, `{"code":"PHONE_NUM`} {
		var reading answer.Reading
		reading.Begin(reader, http.StatusUnauthorized, http.Header{}, time.Now())
		io.WriteString(&reading, body) // as it goes to the client
		fmt.Println(reading.End().Meaning)
	}
	// Output:
	// sent
	// not_sent
	// unknown
}
