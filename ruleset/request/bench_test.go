package request

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// replayed is a request body that can be sent again.
type replayed struct{ bytes.Reader }

func (*replayed) Close() error { return nil }

func BenchmarkRead(b *testing.B) {
	jsonText := []byte(`{"phone":"+14155550123","email":"alice@example.com","cf-turnstile-response":"XXXX.DUMMY.TOKEN.XXXX","remember":true}`)
	formText := []byte(`phone=%2B14155550123&email=alice%40example.com&cf-turnstile-response=XXXX.DUMMY.TOKEN.XXXX&remember=on`)
	multipartText := []byte(parts(phonePart, "Content-Disposition: form-data; name=\"email\"\n\nalice@example.com", "Content-Disposition: form-data; name=\"cf-turnstile-response\"\n\nXXXX.DUMMY.TOKEN.XXXX"))
	for _, row := range []struct {
		name, shape, contentType, query string
		body                            []byte
	}{
		{"json", "phone=json /phone, email=json /email, proof=json /cf-turnstile-response", "application/json", "", jsonText},
		{"form", "phone=form phone, email=form email, proof=form cf-turnstile-response", urlencoded, "", formText},
		{"multipart", "phone=form phone, email=form email, proof=form cf-turnstile-response", multipartType, "", multipartText},
		{"query", "phone=query phone, email=query email, proof=query cf-turnstile-response", "", string(formText), nil},
	} {
		b.Run(row.name, func(b *testing.B) {
			s := shape(b, row.shape)
			body := new(replayed)
			header := http.Header{}
			if row.contentType != "" {
				header.Set("Content-Type", row.contentType)
			}
			r := &http.Request{Method: "POST", URL: &url.URL{Path: "/", RawQuery: row.query}, Header: header}
			b.ReportAllocs()
			b.SetBytes(int64(len(row.body) + len(row.query)))
			for b.Loop() {
				body.Reset(row.body)
				r.Body, r.ContentLength = body, int64(len(row.body))
				v, p := s.Read(r)
				if p != nil || v.Phone != number || v.Email != "alice@example.com" || v.Proof != "XXXX.DUMMY.TOKEN.XXXX" {
					b.Fatal(outcome(v, p))
				}
			}
			if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, row.body) {
				b.Fatalf("restored %d bytes, %v", len(got), err)
			}
		})
	}
}

// BenchmarkReadHostile is what a caller can make Read cost with one body of
// the default size.
func BenchmarkReadHostile(b *testing.B) {
	keys := []byte(`{"phone":"1"`)
	for i := 0; len(keys) < DefaultMaxBody-16; i++ {
		keys = append(keys, `,"`...)
		keys = append(keys, byte('a'+i%26), byte('a'+i/26%26), byte('a'+i/676%26))
		keys = append(keys, `":0`...)
	}
	keys = append(keys, '}')
	s := shape(b, "phone=json /phone")
	b.Run("keys", func(b *testing.B) {
		for b.Loop() {
			if _, p := s.Read(post("application/json", "", string(keys))); p != nil {
				b.Fatal(p)
			}
		}
	})
}

// BenchmarkShapes is the last of several shapes that a request may have.
func BenchmarkShapes(b *testing.B) {
	text := []byte(`{"phone":"+14155550123","email":"alice@example.com","type":"sms","meta":{"token":"XXXX.DUMMY.TOKEN.XXXX"}}`)
	s := shapesOf(b,
		"about=account; method=GET; path=/otp; session=header Authorization",
		"path=/resend; phone=json /phone; fold; any",
		"about=email; path=/otp; phone=json /phone; email=json /email; fold; any",
		"path=/otp; where=json /type = other; phone=json /phone; fold; any",
		"path=/otp; where=json /type = sms; phone=json /phone; email=json /email; proof=json /meta/token; fold; any",
	)
	body := new(replayed)
	r := &http.Request{Method: "POST", URL: &url.URL{Path: "/otp"}, Header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(text)
		r.Body, r.ContentLength = body, int64(len(text))
		if f, p := s.Read(r); p != nil || f.Case != 4 || f.Phone != number || f.Proof != "XXXX.DUMMY.TOKEN.XXXX" {
			b.Fatal(f, p)
		}
	}
}
