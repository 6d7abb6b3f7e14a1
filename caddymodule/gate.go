package caddymodule

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
	"github.com/otpgate/otpgate/ruleset/human"
)

// loaded is a ruleset with what the configuration adds to it.
type loaded struct {
	rules  *ruleset.Ruleset
	prover human.Verifier // nil if the ruleset asks for no proof
	policy ruleset.TurnstilePolicy
}

// load reads the ruleset file. All that is wrong with it is in the error, and
// warnings are in the problems.
func (h *Handler) load() (*loaded, ruleset.Problems, error) {
	wiring := h.app.wiring()
	wiring.Turnstile = h.turnstile != nil
	rules, problems, err := ruleset.Load(h.path, wiring)
	if err != nil {
		return nil, nil, err
	}
	if problems.HasErrors() {
		return nil, problems, fmt.Errorf("the ruleset has problems:\n%w", problems)
	}
	l := &loaded{rules: rules}
	if err := h.prove(l); err != nil {
		return nil, problems, err
	}
	return l, problems, nil
}

// prove gives l its prover. A secret that cannot be one is refused also where
// no proof is asked for yet.
func (h *Handler) prove(l *loaded) error {
	if h.turnstile == nil {
		return nil
	}
	config := *h.turnstile
	policy, asked := l.rules.Turnstile()
	if asked {
		config.Hostnames, config.Action, config.MaxAge = policy.Hostnames, policy.Action, policy.MaxAge
	}
	turnstile, err := human.NewTurnstile(config)
	if err != nil {
		return fmt.Errorf("turnstile: %w", err)
	}
	if asked {
		l.prover, l.policy = turnstile, policy
	}
	return nil
}

// warn logs what is doubtful about a ruleset that is going to be used.
func (h *Handler) warn(problems ruleset.Problems, l *loaded) {
	for _, p := range problems.Warnings() {
		h.logger.Warn("doubtful ruleset", zap.String("file", p.File), zap.Int("line", p.Pos.Line), zap.Int("column", p.Pos.Column), zap.String("warning", p.Text()))
	}
	if t, ok := l.prover.(*human.Turnstile); ok && t.TestSecret() != "" {
		h.logger.Warn("THE TURNSTILE SECRET IS A TEST SECRET: it keeps nobody out, and is for trying things out only",
			zap.String("gate", l.rules.Name()), zap.String("secret", t.TestSecret()))
	}
	if l.rules.Shadow() {
		h.logger.Warn("the ruleset is in shadow: everything is let through", zap.String("gate", l.rules.Name()))
	}
}

// openGate begins to judge. It runs once, at Start or at the first request.
func (h *Handler) openGate() (*ruleset.Gate, error) {
	keys, err := h.app.keysOf()
	if err != nil {
		return nil, err
	}
	opened, err := h.app.lease.open()
	if err != nil {
		return nil, err
	}
	if err := h.app.listsOf(); err != nil {
		return nil, err
	}
	if err := h.prepare(h.first.rules); err != nil {
		return nil, err
	}
	h.warnMissing(h.first.rules)
	h.metricsOf(h.first.rules).inForce()
	return ruleset.NewGate(h.first.rules, h.first.prover, opened, keys), nil
}

// prepare makes room in the ledger and logs where it is and how much it will
// take at most.
func (h *Handler) prepare(rules *ruleset.Ruleset) error {
	opened, err := h.app.lease.open()
	if err != nil {
		return err
	}
	plan, err := opened.own.Prepare(rules.Tallies())
	if err != nil {
		return fmt.Errorf("preparing the ledger: %w", err)
	}
	h.logger.Info("ruleset in force", zap.String("gate", rules.Name()), zap.String("file", h.path),
		zap.Stringer("ledger", &h.app.lease.place), zap.Stringer("takes", plan))
	return nil
}

// alert tells that a budget has been spent up to its alert or stop.
func (h *Handler) alert(m *gateMetrics, a ruleset.Alert) {
	m.alerts.WithLabelValues(m.gate, a.Rule).Inc()
	message := "a budget has reached its alert"
	if a.Stop {
		message = "a budget is spent"
	}
	h.logger.Warn(message, zap.String("gate", m.gate), zap.String("rule", a.Rule), zap.Time("until", a.Ends))
}

// closeIdle gives back the connections that l's prover keeps for later. It can
// still be used: a request may be looking into its proof.
func (l *loaded) closeIdle() {
	if c, ok := l.prover.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// metricsOf returns the metrics of the gate that rules name. The name hardly
// ever changes.
func (h *Handler) metricsOf(rules *ruleset.Ruleset) *gateMetrics {
	if m := h.metrics.Load(); m != nil && m.gate == rules.Name() {
		return m
	}
	m := h.app.metrics.of(rules.Name())
	h.metrics.Store(m)
	return m
}
