package answer

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A flow of Kratos, of about the size that they really have.
var flow = func() string {
	node := `{"type":"input","group":"code","attributes":{"name":"identifier","type":"hidden","value":"x","required":true,"disabled":false,"node_type":"input"},"messages":[],"meta":{"label":{"id":1070004,"text":"ID","type":"info"}}}`
	return `{"id":"c262d5a1-72b0-475c-98b3-80d6dc488105","type":"api","request_url":"http://127.0.0.1:4433/self-service/login/api","ui":{"method":"POST","nodes":[` +
		strings.Repeat(node+",", 5) + node + `],"messages":[{"id":1010014,"text":"A code was sent to the address you provided. If you didn't receive it, please check the spelling of the address and try again.","type":"info"}]},"state":"sent_email"}`
}()

func BenchmarkReading(b *testing.B) {
	for _, row := range []struct {
		name string
		code int
		head http.Header
		body string
		want Meaning
	}{
		{"status", 422, http.Header{}, flow, NotSent},
		{"json", 400, http.Header{}, flow, Sent},
		{"gzip", 400, http.Header{"Content-Encoding": {"gzip"}}, zipped(flow), Sent},
		{"large", 400, http.Header{}, strings.Repeat(" ", 1<<20), Unknown},
	} {
		r := reader(b, "sent: 400 and json /ui/messages/*/id = 1010014 | 1040005", "not_sent: 400-499", "handle: json /id")
		b.Run(fmt.Sprintf("%s/%d", row.name, len(row.body)), func(b *testing.B) {
			body := []byte(row.body)
			b.ReportAllocs()
			for b.Loop() {
				var g Reading
				g.Begin(r, row.code, row.head, noon)
				if g.Reads() {
					g.Write(body)
				}
				if got := g.End(); got.Meaning != row.want {
					b.Fatal(got)
				}
			}
		})
	}
}
