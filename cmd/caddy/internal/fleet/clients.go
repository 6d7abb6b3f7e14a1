package fleet

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Clients ask gates, many at a time, over connections that are kept.
type Clients struct {
	Asked, Admitted, GivenBack, Refused, Unavailable, Failed atomic.Int64

	gates  []*Gate
	client *http.Client
	number atomic.Int64
}

// NewClients returns clients of these gates.
func NewClients(gates ...*Gate) *Clients {
	return &Clients{
		gates: gates,
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
			Timeout:   20 * time.Second,
		},
	}
}

// Reply is what a client gets.
type Reply struct {
	Status  int
	Code    string // of a problem
	FromApp bool
}

// Ask asks g at a ruleset, once.
func (c *Clients) Ask(g *Gate, ruleset string, f *Facts) (Reply, error) {
	body := fmt.Sprintf(`{"phone":%q,"email":%q}`, f.Phone, f.Email)
	r, err := http.NewRequest(http.MethodPost, g.URL+"/"+ruleset+"/send", strings.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	r.GetBody = nil // or Go might ask again by itself
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("X-Device-Id", f.Device)
	h.Set("X-Forwarded-For", f.IP.String())
	h.Set(headerNumber, strconv.FormatInt(c.number.Add(1), 10))
	c.Asked.Add(1)
	h.Set(headerAsked, strconv.FormatInt(time.Now().UnixNano(), 10))
	reply, err := c.do(r)
	switch {
	case err != nil:
		c.Failed.Add(1)
	case reply.FromApp && reply.Status == NotSent:
		c.GivenBack.Add(1)
	case reply.FromApp:
		c.Admitted.Add(1)
	case reply.Status >= 500:
		c.Unavailable.Add(1)
	default:
		c.Refused.Add(1)
	}
	return reply, err
}

func (c *Clients) do(r *http.Request) (reply Reply, err error) {
	resp, err := c.client.Do(r)
	if err != nil {
		return reply, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply, err
	}
	reply.Status, reply.FromApp = resp.StatusCode, resp.Header.Get(headerApp) != ""
	if !reply.FromApp {
		var problem struct{ Code string }
		if json.Unmarshal(text, &problem) == nil {
			reply.Code = problem.Code
		}
	}
	return reply, nil
}

// Run lets n clients ask all gates at all rulesets until stop is closed.
func (c *Clients) Run(n int, rulesets []*Ruleset, stop <-chan struct{}) {
	began := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for {
				// A pause, so that the machine is not so busy that nobody knows
				// when a charge was taken.
				pause := time.Duration(r.Int64N(int64(100 * time.Millisecond)))
				set := rulesets[r.IntN(len(rulesets))]
				facts := set.Pick(r, time.Since(began))
				if _, err := c.Ask(c.gates[r.IntN(len(c.gates))], set.Name, &facts); err != nil {
					pause += 50 * time.Millisecond
				}
				select {
				case <-stop:
					return
				case <-time.After(pause):
				}
			}
		})
	}
	wg.Wait()
}
