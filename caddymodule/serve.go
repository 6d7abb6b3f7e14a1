package caddymodule

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/network"
	"github.com/otpgate/otpgate/ruleset/request"
)

// ServeHTTP judges r, and refuses it or passes it on.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	began := time.Now()
	if !h.app.lease.enter() {
		return h.unopened(w, r, began, errLeaseEnded)
	}
	defer h.app.lease.leave()
	gate, err := h.open()
	if err != nil {
		return h.unopened(w, r, began, err)
	}
	early := mayBeReplay(r)
	if rules := gate.Rules(); early && !rules.Shadow() {
		return h.refuse(w, r, h.decided(r, earlyData(r, began), rules))
	}
	preflight := gate.Rules().Preflight(r)
	request.Strip(r.Header, h.strip...)
	if preflight {
		return next.ServeHTTP(w, r)
	}
	j := gate.Judge(r, clientAddr(r), began)
	if early {
		j.Verdict.Shadow = append(j.Verdict.Shadow, ruleset.Mark{Check: ruleset.CheckRequest, Code: ruleset.EarlyData})
	}
	d := h.decided(r, j, j.Rules())
	if j.Verdict.Action != ruleset.Allow {
		return h.refuse(w, r, d)
	}
	return h.proxy(w, r, next, gate, d)
}

// decision is a judgement on its way through the handler.
type decision struct {
	*ruleset.Judgement
	rules   *ruleset.Ruleset
	metrics *gateMetrics
	log     record
	passage passage // if it is let through
}

// decided notes what was decided where operators look for it.
func (h *Handler) decided(r *http.Request, j *ruleset.Judgement, rules *ruleset.Ruleset) *decision {
	d := &decision{Judgement: j, rules: rules, metrics: h.metricsOf(rules)}
	d.log = record{
		gate:    d.metrics.gate,
		id:      ruleset.FormatID(j.Facts.ID),
		facts:   &j.Facts,
		verdict: &j.Verdict,
		took:    time.Since(j.Facts.At),
	}
	d.metrics.judged(&j.Verdict, d.log.took)
	for _, alert := range j.Verdict.Alerts {
		h.alert(d.metrics, alert)
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Map(d.log.placeholder)
	}
	if server, ok := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok && server != nil && server.Logs != nil {
		if extra, ok := r.Context().Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
			extra.Add(zap.String("otp_gate_id", d.log.id)) // to find the request in the access log
		}
	}
	return d
}

// refuse answers r with the verdict.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, d *decision) error {
	refuse(w, r, &d.Verdict, d.log.id)
	d.log.write(h.logger)
	return nil
}

// earlyData is the judgement on a request that may be a replay: refused
// without a look at it.
func earlyData(r *http.Request, at time.Time) *ruleset.Judgement {
	const code = ruleset.EarlyData
	return &ruleset.Judgement{
		Facts:   ruleset.Facts{At: at, ID: ruleset.NewID(at), Method: r.Method, Host: r.Host},
		Verdict: ruleset.Verdict{Check: ruleset.CheckRequest, Reason: code, Code: code, Status: code.Status()},
	}
}

// proxy passes r on, and settles what is held for it with what came of it,
// also when the answer breaks off or somebody panics.
func (h *Handler) proxy(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, gate *ruleset.Gate, d *decision) error {
	if h.phoneHeader != "" && !d.Facts.Phone.IsZero() {
		r.Header.Set(h.phoneHeader, d.Facts.Phone.E164())
	}
	p := &d.passage
	p.watch(r)
	p.answer.ResponseWriter, p.answer.reader, p.answer.decision = w, d.Answers(), d
	if p.answer.reader.ReadsBody() {
		answer.AcceptEncoding(r.Header)
	}
	defer h.settle(gate, d)
	if p.answer.reader.ReadsHandles() {
		ctx, end := outlive(r.Context(), afterClient)
		defer end()
		r = r.WithContext(ctx)
	}
	p.err = next.ServeHTTP(&p.answer, r)
	p.returned = true
	return p.err
}

// settle closes the hold and writes the log.
func (h *Handler) settle(gate *ruleset.Gate, d *decision) {
	p := &d.passage
	result := p.result()
	outcome := ruleset.OutcomeOf(result.Meaning)
	now := time.Now()
	// The client cannot end this by going away. How long it may take is the
	// ledger's to bound.
	ctx := context.WithoutCancel(p.request.Context())
	if err := gate.Settle(ctx, now, d.Judgement, outcome); err != nil {
		d.metrics.failed(ruleset.CheckLedger)
		h.logger.Error("not settled: the charges stay", zap.String("gate", d.log.gate), zap.String("id", d.log.id), zap.Error(err))
	}
	if err := gate.Learn(ctx, now, d.Judgement, result); err != nil {
		d.metrics.failed(ruleset.CheckLedger)
		h.logger.Error("not remembered: requests that name the handle of this one are judged without its number", zap.String("gate", d.log.gate), zap.String("id", d.log.id), zap.Error(err))
	}
	d.log.passed = true
	d.log.status = p.answer.status
	if d.Verdict.Held {
		d.metrics.settled[outcome].Inc()
		d.log.outcome = outcome.String()
	}
	d.log.app = now.Sub(d.Facts.At) - d.log.took
	d.log.write(h.logger)
}

// tellCooldown tells the cooldown that begins with a code that was sent. What
// the app itself has to say of rate limits stands.
func (d *decision) tellCooldown(header http.Header, status int) {
	if d.Verdict.Cooldown.Window <= 0 || d.Answers().Status(status) == answer.NotSent {
		return
	}
	if len(header["Ratelimit"]) == 0 && len(header["Ratelimit-Policy"]) == 0 {
		tellCooldown(header, d.Verdict.Cooldown)
	}
}

// unopened refuses r because the gate could not be opened: without its secret
// and its ledger it can count nothing.
func (h *Handler) unopened(w http.ResponseWriter, r *http.Request, began time.Time, err error) error {
	h.logger.Error("the gate cannot be opened: every request is refused", zap.Error(err))
	const code = ruleset.Unavailable
	refuse(w, r, &ruleset.Verdict{Code: code, Status: code.Status()}, ruleset.FormatID(ruleset.NewID(began)))
	return nil
}

// mayBeReplay reports whether r came as TLS early data, to us or to a proxy in
// front of us (RFC 8470): whoever recorded it can send it again.
func mayBeReplay(r *http.Request) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete || len(r.Header["Early-Data"]) > 0
}

// clientAddr is whom Caddy takes the client for, after trusted_proxies. The
// zero Addr, of a client without an address, is refused by the gate.
func clientAddr(r *http.Request) netip.Addr {
	text, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	addr, err := network.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr
}
