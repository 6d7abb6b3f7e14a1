package request

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

const multipartType = "multipart/form-data; boundary=b"

// parts makes a multipart body of boundary b: each part is written with "\n"
// for line ends of the header, and an empty line before the content.
func parts(each ...string) string {
	var b strings.Builder
	for _, p := range each {
		b.WriteString("--b\r\n" + strings.ReplaceAll(p, "\n", "\r\n") + "\r\n")
	}
	return b.String() + "--b--\r\n"
}

const phonePart = "Content-Disposition: form-data; name=\"phone\"\n\n+14155550123"

func TestMultipart(t *testing.T) {
	const good = "phone=+14155550123"
	const refused = "400 bad_request: multipart: "
	for _, row := range []struct{ name, body, want string }{
		{"plain", parts(phonePart), good},
		{"no final line break", strings.TrimSuffix(parts(phonePart), "\r\n"), good},
		{"typed", parts("content-disposition: FORM-DATA;name=\"phone\"\ncontent-type: text/plain; charset=UTF-8\n\n1"), "phone=1"},
		{"true length", parts("Content-Length: 1\nContent-Disposition: form-data; name=\"phone\"\n\n1"), "phone=1"},
		{"empty", parts("Content-Disposition: form-data; name=\"phone\"\n\n"), "phone="},
		{"a file elsewhere", parts("Content-Disposition: form-data; name=\"photo\"; filename=\"a%22b.png\"\nContent-Type: image/png\n\n\x89PNG\x00\xff--", phonePart), good},
		{"line breaks in a value", parts("Content-Disposition: form-data; name=\"note\"\n\na\nb", phonePart), good},

		{"no phone", parts("Content-Disposition: form-data; name=\"x\"\n\n1"), "422 phone_missing: no phone at form phone"},
		{"twice", parts(phonePart, phonePart), "400 bad_request: form: phone stands there twice"},
		{"another case", parts(phonePart, "Content-Disposition: form-data; name=\"Phone\"\n\n2"), "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"list", parts(phonePart, "Content-Disposition: form-data; name=\"phone[]\"\n\n2"), "400 bad_request: form: a name that is spelled like that of phone and is not it"},
		{"phone as a file", parts("Content-Disposition: form-data; name=\"phone\"; filename=\"x\"\n\n1"), "400 bad_request: form: phone is a file"},
		{"phone as an empty file name", parts("Content-Disposition: form-data; name=\"phone\"; filename=\"\"\n\n1"), "400 bad_request: form: phone is a file"},
		{"phone as JSON", parts("Content-Disposition: form-data; name=\"phone\"\nContent-Type: application/json\n\n1"), "400 bad_request: form: phone has a content type that is not text/plain"},
		{"phone not UTF-8", parts("Content-Disposition: form-data; name=\"phone\"\n\n\xff"), "400 bad_request: form: phone is not UTF-8"},
		{"NUL", parts("Content-Disposition: form-data; name=\"phone\"\n\n1\x00"), "400 bad_request: form: NUL in phone"},
		{"charset field", parts("Content-Disposition: form-data; name=\"_charset_\"\n\nutf-7", phonePart), "400 bad_request: form: _charset_ is not accepted"},
		{"many", parts(append(make256(), phonePart)...), "400 bad_request: form: more than 256 fields"},

		{"nothing", "", refused + "it does not begin with its boundary"},
		{"preamble", "x\r\n" + parts(phonePart), refused + "it does not begin with its boundary"},
		{"line break first", "\r\n" + parts(phonePart), refused + "it does not begin with its boundary"},
		{"bare line feeds", strings.ReplaceAll(parts(phonePart), "\r\n", "\n"), refused + "it does not begin with its boundary"},
		{"no parts", "--b--\r\n", refused + "it does not begin with its boundary"},
		{"epilogue", parts(phonePart) + "x", refused + "something follows a boundary"},
		{"parts after the end", parts(phonePart) + parts(phonePart), refused + "something follows a boundary"},
		{"two line breaks at the end", parts(phonePart) + "\r\n", refused + "something follows a boundary"},
		{"not closed", strings.TrimSuffix(parts(phonePart), "--b--\r\n"), refused + "it does not end with its boundary"},
		{"half closed", strings.TrimSuffix(parts(phonePart), "-\r\n"), refused + "something follows a boundary"},
		{"padding", strings.Replace(parts(phonePart), "--b--", "--b --", 1), refused + "something follows a boundary"},
		{"longer boundary", parts(phonePart + "\n--bb\nx"), refused + "something follows a boundary"},
		{"boundary within a value", strings.Replace(parts(phonePart), "0123", "0123--b", 1), refused + "the boundary stands within a part"},
		{"boundary after a line feed", strings.Replace(parts(phonePart), "0123", "0123\n--b\n", 1), refused + "the boundary stands within a part"},
		{"boundary after a carriage return", strings.Replace(parts(phonePart), "0123", "0123\r--b\r", 1), refused + "the boundary stands within a part"},
		{"boundary right after the header", "--b\r\nContent-Disposition: form-data; name=\"phone\"\r\n\r\n--b--", refused + "the boundary stands within a part"},
		{"no header", parts("\n1"), refused + "a part without a name"},
		{"no disposition", parts("Content-Type: text/plain\n\n1"), refused + "a part without a name"},
		{"no name", parts("Content-Disposition: form-data\n\n1"), refused + "a part without a name"},
		{"empty name", parts("Content-Disposition: form-data; name=\"\"\n\n1"), refused + "a disposition that is not accepted"},
		{"two names", parts("Content-Disposition: form-data; name=\"x\"; name=\"phone\"\n\n1"), refused + "a disposition that is not accepted"},
		{"name in another case twice", parts("Content-Disposition: form-data; name=\"x\"; NAME=\"phone\"\n\n1"), refused + "a disposition that is not accepted"},
		{"extended name", parts("Content-Disposition: form-data; name=\"x\"; name*=utf-8''phone\n\n1"), refused + "a name without quotes"},
		{"extended name in quotes", parts("Content-Disposition: form-data; name=\"x\"; name*=\"utf-8''phone\"\n\n1"), refused + "a disposition that is not accepted"},
		{"extended file name", parts("Content-Disposition: form-data; name=\"x\"; filename*=\"utf-8''phone\"\n\n1"), refused + "a disposition that is not accepted"},
		{"no quotes", parts("Content-Disposition: form-data; name=phone\n\n1"), refused + "a name without quotes"},
		{"single quotes", parts("Content-Disposition: form-data; name='phone'\n\n1"), refused + "a name without quotes"},
		{"backslash", parts("Content-Disposition: form-data; name=\"pho\\ne\"\n\n1"), refused + "a name with quotes, escapes, or one of ; and ="},
		{"escaped quote", parts("Content-Disposition: form-data; name=\"x\\\"; name=\\\"phone\"\n\n1"), refused + "a name with quotes, escapes, or one of ; and ="},
		{"escaped quote in a file name", parts("Content-Disposition: form-data; filename=\"x\\\"; name=\"phone\"\n\n1"), refused + "a name with quotes, escapes, or one of ; and ="},
		{"percent", parts("Content-Disposition: form-data; name=\"%22phone\"\n\n1"), refused + "a disposition that is not accepted"},
		{"encoded word", parts("Content-Disposition: form-data; name=\"=?utf-8?Q?phone?=\"\n\n1"), refused + "a name with quotes, escapes, or one of ; and ="},
		{"a name in a file name", parts("Content-Disposition: form-data; name=\"x\"; filename=\"a; name=phone\"\n\n1"), refused + "a name with quotes, escapes, or one of ; and ="},
		{"file name first", parts("Content-Disposition: form-data; filename=\"phone\"; name=\"x\"\n\n1"), refused + "a disposition that is not accepted"},
		{"another disposition", parts("Content-Disposition: attachment; name=\"phone\"\n\n1"), refused + "a disposition that is not form-data"},
		{"two dispositions", parts("Content-Disposition: form-data; name=\"x\"\nContent-Disposition: form-data; name=\"phone\"\n\n1"), refused + "two content dispositions"},
		{"folded", parts("Content-Disposition: form-data;\n name=\"phone\"\n\n1"), refused + "a malformed disposition"},
		{"folded later", parts("Content-Disposition: form-data; name=\"x\"\n ; name=\"phone\"\n\n1"), refused + "a malformed header"},
		{"space before the colon", parts("Content-Disposition : form-data; name=\"phone\"\n\n1"), refused + "a malformed header"},
		{"transfer encoding", parts("Content-Disposition: form-data; name=\"phone\"\nContent-Transfer-Encoding: base64\n\nKzE="), refused + "a header that is not accepted"},
		{"bare carriage return in a header", parts("X: a\rContent-Disposition: form-data; name=\"phone\"\n\n1"), refused + "a control character in a header"},
		{"bare line feed in a header", "--b\r\nContent-Disposition: form-data; name=\"x\"\nContent-Type: text/plain\r\n\r\n1\r\n--b--", refused + "a control character in a header"},
		{"nested", parts("Content-Disposition: form-data; name=\"x\"\nContent-Type: multipart/mixed; boundary=c\n\n1", phonePart), refused + "a content type that is not accepted"},
		{"another charset", parts("Content-Disposition: form-data; name=\"phone\"\nContent-Type: text/plain; charset=utf-16\n\n1"), refused + "a content type that is not accepted"},
		{"false length", parts("Content-Length: 2\nContent-Disposition: form-data; name=\"phone\"\n\n1"), refused + "a part is not as long as it says"},
		{"signed length", parts("Content-Length: +1\nContent-Disposition: form-data; name=\"phone\"\n\n1"), refused + "a malformed length"},
		{"two content types", parts("Content-Type: text/plain\nContent-Type: text/plain\n\n1"), refused + "two content types in one part"},
		{"long line", parts("Content-Disposition: form-data; name=\"" + strings.Repeat("x", 600) + "\"\n\n1"), refused + "a header line that does not end"},
	} {
		v, p := read(t, shape(t, "phone=form phone"), post(multipartType, "", row.body), row.body)
		if got := outcome(v, p); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func make256() []string {
	p := make([]string, 256)
	for i := range p {
		p[i] = "Content-Disposition: form-data; name=\"x\"\n\n"
	}
	return p
}

// TestMultipartOfGo: what Go's writer makes is accepted.
func TestMultipartOfGo(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("phone", "1")
	file, _ := w.CreateFormFile("photo", "a.png")
	file.Write([]byte{0, 255})
	w.Close()
	v, p := read(t, shape(t, "phone=form phone"), post(w.FormDataContentType(), "", b.String()), b.String())
	if got := outcome(v, p); got != "phone=1" {
		t.Error(got)
	}
}

func FuzzMultipart(f *testing.F) {
	for _, s := range []string{parts(phonePart), parts(phonePart, phonePart), parts("Content-Disposition: form-data; name=\"x\"; filename=\"y\"\nContent-Type: image/png\n\n\x00", phonePart),
		"--b\n" + phonePart + "\n--b--", parts(phonePart) + "--b--", strings.Replace(parts(phonePart), "0123", "0123\n--b\n", 1)} {
		f.Add([]byte(s))
	}
	s := shape(f, "phone=form phone")
	f.Fuzz(func(t *testing.T, body []byte) {
		v, p := read(t, s, post(multipartType, "", string(body)), string(body))
		if p != nil {
			return
		}
		form, err := multipart.NewReader(bytes.NewReader(body), "b").ReadForm(1 << 20)
		if err != nil {
			t.Fatalf("mime/multipart: %v", err)
		}
		if got := form.Value["phone"]; len(got) != 1 || got[0] != v.Phone || len(form.File["phone"]) != 0 {
			t.Fatalf("mime/multipart reads %q; Read %q", got, v.Phone)
		}
		// One after another, and no part more than delimiters.
		r, n := multipart.NewReader(bytes.NewReader(body), "b"), 0
		for ; ; n++ {
			part, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, part)
		}
		if bytes.Count(body, []byte("--b")) != n+1 {
			t.Fatalf("%d parts, %d delimiters", n, bytes.Count(body, []byte("--b")))
		}
	})
}
