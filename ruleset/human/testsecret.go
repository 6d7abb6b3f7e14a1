package human

import "crypto/subtle"

// DummyToken is what Cloudflare's test sitekeys give to a page.
const DummyToken = "XXXX.DUMMY.TOKEN.XXXX"

// Cloudflare's documented test secrets. Anybody knows them, so a gate that has
// one keeps nobody out.
const (
	SecretAlwaysPasses = "1x0000000000000000000000000000000AA"
	SecretAlwaysFails  = "2x0000000000000000000000000000000AA"
	SecretAlreadySpent = "3x0000000000000000000000000000000AA"
)

// testSitekeys are easily taken for the test secrets.
var testSitekeys = map[string]bool{
	"1x00000000000000000000AA": true,
	"2x00000000000000000000AB": true,
	"1x00000000000000000000BB": true,
	"2x00000000000000000000BB": true,
	"3x00000000000000000000FF": true,
}

// testSecret is how one of the test secrets answers the dummy token.
type testSecret struct {
	does string // "always passes"
	code string // "" passes
}

func findTestSecret(secret string) *testSecret {
	var found *testSecret
	for _, s := range []struct {
		secret string
		testSecret
	}{
		{SecretAlwaysPasses, testSecret{does: "always passes"}},
		{SecretAlwaysFails, testSecret{does: "always fails", code: CodeInvalidResponse}},
		{SecretAlreadySpent, testSecret{does: "already spent", code: CodeSpent}},
	} {
		if subtle.ConstantTimeCompare([]byte(s.secret), []byte(secret)) == 1 {
			found = &s.testSecret
		}
	}
	return found
}

// verify answers as siteverify does for a test secret, without asking it, so
// that examples and tests run anywhere.
//
// Hostname, action and age are not compared: the dummy token was made nowhere,
// and siteverify says example.com of all of them.
//
// For any other token Cloudflare documents invalid-input-secret ("a testing
// secret key with a non-testing response"). The code is kept, but the status
// is Failed: here it is the token that the visitor chose that decides, and no
// visitor may raise the operator's alarm.
func (s *testSecret) verify(token string) Result {
	if subtle.ConstantTimeCompare([]byte(token), []byte(DummyToken)) != 1 {
		return Result{
			Status: Failed,
			Codes:  []string{CodeInvalidSecret},
			Detail: "a test secret accepts only Cloudflare's dummy token; a page with a real sitekey needs its own secret",
		}
	}
	r := Result{Detail: "answered without asking: a test secret (" + s.does + "); hostname, action and age are not compared"}
	if s.code != "" {
		r.Status, r.Codes = Failed, []string{s.code}
		return r
	}
	r.Status, r.Hostname = Passed, "example.com"
	return r
}
