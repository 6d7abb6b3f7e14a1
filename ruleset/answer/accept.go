package answer

import (
	"net/http"
	"strconv"
	"strings"
)

// AcceptEncoding narrows what a client takes to the codings that a reading can
// unpack. Only an app that compresses in another coding answers otherwise then.
func AcceptEncoding(h http.Header) {
	if lines := h["Accept-Encoding"]; len(lines) > 0 {
		coding := "identity"
		if takesGzip(lines) {
			coding = "gzip"
		}
		h["Accept-Encoding"] = []string{coding}
	}
}

func takesGzip(lines []string) bool {
	for _, line := range lines {
		for entry := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(entry, ";")
			if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				_, q, found := strings.Cut(weight, "=")
				value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
				return !found || err == nil && value > 0
			}
		}
	}
	return false
}
