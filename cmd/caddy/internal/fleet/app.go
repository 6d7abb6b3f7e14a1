package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// App is the app behind the gates. It writes down all that it gets.
type App struct {
	Addr string

	always   atomic.Int64
	mu       sync.Mutex
	arrivals []Arrival
	odd      []string
}

// crockford is how a gate spells its ids: ULIDs, which begin with the
// milliseconds.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// What the gates tell the app, by header_up, and what clients write in their
// requests.
const (
	headerRuleset = "X-Ruleset"
	headerGate    = "X-Gate"
	headerID      = "X-Gate-Id"
	headerClient  = "X-Client-Ip"
	headerNumber  = "X-Number"
	headerAsked   = "X-Asked"
	headerApp     = "X-App"
)

// StartApp starts an app that ends with the test.
func StartApp(t testing.TB) *App {
	a := new(App)
	s := httptest.NewServer(a)
	t.Cleanup(func() {
		s.CloseClientConnections() // of gates that were killed, too
		s.Close()
	})
	a.Addr = s.Listener.Addr().String()
	return a
}

// Always makes the app answer everything with status. Else a fifth of the codes
// is not sent, and of some it is not known.
func (a *App) Always(status int) { a.always.Store(int64(status)) }

// answers is what the app answers to a request, by its number.
func answers(number int64) int {
	switch {
	case number%5 == 0:
		return NotSent
	case number%64 == 1:
		return http.StatusInternalServerError
	default:
		return http.StatusAccepted
	}
}

func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := time.Now().Round(0)
	arrival, err := read(r)
	arrival.To = to
	if arrival.Status = int(a.always.Load()); arrival.Status == 0 {
		arrival.Status = answers(arrival.Number)
	}
	if r.Header.Get(headerNumber) == "" || err == io.ErrUnexpectedEOF {
		return // somebody looks whether we are there; or a gate was killed in the middle of it
	}
	a.mu.Lock()
	if err != nil {
		a.odd = append(a.odd, err.Error())
	} else {
		a.arrivals = append(a.arrivals, arrival)
	}
	a.mu.Unlock()
	if arrival.Number%7 == 0 { // some take their time
		time.Sleep(time.Duration(arrival.Number%20) * time.Millisecond)
	}
	w.Header().Set(headerApp, "1")
	w.WriteHeader(arrival.Status)
}

// read reads what the gate and the client say.
func read(r *http.Request) (Arrival, error) {
	h := r.Header
	a := Arrival{Ruleset: h.Get(headerRuleset), Gate: h.Get(headerGate)}
	var body struct{ Phone, Email string }
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return a, io.ErrUnexpectedEOF
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return a, err
	}
	a.Facts = Facts{Phone: body.Phone, Email: body.Email, Device: h.Get("X-Device-Id")}
	// The address that the gate counted, as Caddy has it.
	if a.Facts.IP, err = netip.ParseAddr(h.Get(headerClient)); err != nil {
		return a, err
	}
	if a.Number, err = strconv.ParseInt(h.Get(headerNumber), 10, 64); err != nil {
		return a, err
	}
	nanos, err := strconv.ParseInt(h.Get(headerAsked), 10, 64)
	if err != nil {
		return a, err
	}
	began, err := began(h.Get(headerID))
	if err != nil {
		return a, err
	}
	a.From = time.Unix(0, nanos)
	if began.After(a.From) {
		a.From = began
	}
	return a, nil
}

// began returns when the gate began to judge the request of an id.
func began(id string) (time.Time, error) {
	if len(id) != 26 {
		return time.Time{}, fmt.Errorf("the gate's id is %q", id)
	}
	var ms int64
	for _, c := range []byte(id[:10]) {
		ms = ms<<5 | int64(strings.IndexByte(crockford, c))
	}
	return time.UnixMilli(ms), nil
}

// Arrivals returns what the app has got so far, and complains of what it could
// not make sense of.
func (a *App) Arrivals(t testing.TB) []Arrival {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, odd := range a.odd {
		t.Errorf("the app got something odd: %s", odd)
	}
	return slices.Clone(a.arrivals)
}
