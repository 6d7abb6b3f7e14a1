package caddymodule

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otpgate/otpgate/ruleset"
)

const (
	// watchEvery is how often files are looked at. A change is taken up when a
	// second look finds nothing new, so that no file is read half-written.
	watchEvery = 250 * time.Millisecond
	// retryEvery is how often a ruleset with problems is tried again although
	// nothing that is watched has changed: a list file that it names, and that
	// was missing, may be there now.
	retryEvery = 2 * time.Second
)

// watch exchanges the ruleset when its files change, until ctx ends.
func (h *Handler) watch(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	w := newWatch(h, time.Now())
	defer func() { w.inForce.closeIdle() }()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			w.tick(now)
		}
	}
}

// watch is what a gate knows of its ruleset's files.
type watch struct {
	h       *Handler
	inForce *loaded
	files   watcher
	changed bool      // since the last try
	refused string    // what is wrong with the files as they are; "" if they are in force
	tried   time.Time // when they were last tried
}

func newWatch(h *Handler, now time.Time) *watch {
	w := &watch{h: h, inForce: h.first}
	w.files.follow(h.first.rules.Files(), now)
	return w
}

// tick looks at the files once.
func (w *watch) tick(now time.Time) {
	if w.files.changed(now) {
		w.changed = true
		return
	}
	if w.changed || w.refused != "" && now.Sub(w.tried) >= retryEvery {
		w.changed = false
		w.tried = now
		w.try(now)
	}
}

// try puts the ruleset as it is now in force, or says once what is wrong with
// it and leaves the old one be.
func (w *watch) try(now time.Time) {
	h := w.h
	next, problems, err := h.load()
	if err == nil {
		err = w.use(next)
	}
	if err != nil {
		if report := err.Error(); report != w.refused {
			w.refused = report
			h.metricsOf(w.inForce.rules).changed(false)
			h.logger.Error("the changed ruleset is refused; the old one stays in force",
				zap.String("gate", w.inForce.rules.Name()), zap.String("file", h.path), zap.String("report", report))
		}
		return
	}
	w.refused = ""
	w.files.follow(next.rules.Files(), now)
	h.warn(problems, next)
}

// use puts next in force. What has been counted stays counted.
func (w *watch) use(next *loaded) error {
	h := w.h
	gate, err := h.open()
	if err != nil {
		return err
	}
	if err := h.prepare(next.rules); err != nil {
		return err
	}
	if err := h.app.follow(h, next.rules); err != nil {
		return err
	}
	h.warnMissing(next.rules)
	old := w.inForce
	if next.prover != nil && old.prover != nil && samePolicy(next.policy, old.policy) {
		next.prover = old.prover // with its open connections
	} else {
		defer old.closeIdle()
	}
	gate.Use(next.rules, next.prover)
	w.inForce = next
	h.metricsOf(next.rules).changed(true)
	return nil
}

func samePolicy(a, b ruleset.TurnstilePolicy) bool {
	return slices.Equal(a.Hostnames, b.Hostnames) && a.Action == b.Action && a.MaxAge == b.MaxAge
}
