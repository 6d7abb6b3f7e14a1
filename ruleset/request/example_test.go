package request_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"strings"

	"github.com/otpgate/otpgate/ruleset/request"
)

func ExampleShape_Read() {
	phone, _ := request.ParseSource("json /phone")
	shape := request.Shape{Phone: phone}
	if err := shape.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range []string{
		`{"phone":"+14155550123"}`,
		`{"phone":"+14155550123","Phone":"+14155550199"}`,
		`{"email":"alice@example.com"}`,
	} {
		r := httptest.NewRequest("POST", "/send", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		values, problem := shape.Read(r)
		if problem != nil {
			fmt.Println(problem.Status, problem)
			continue
		}
		rest, _ := io.ReadAll(r.Body)
		fmt.Println(values.Phone, string(rest) == body)
	}
	// Output:
	// +14155550123 true
	// 400 bad_request: JSON: a key is spelled like a step of json /phone and is not it
	// 422 phone_missing: no phone at json /phone
}
