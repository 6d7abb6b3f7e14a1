package caddymodule

import (
	"context"
	"io"
	"time"
)

// afterClient is how long an app may go on with a request whose client has gone
// away, where its answer is to be remembered.
const afterClient = 30 * time.Second

// outlive returns a context that the client does not end by going away: it goes
// on for a while. Without it a caller could have the app keep a number, and hang
// up before the gate has read in the answer what the app calls it; a later
// request by that name would be judged without the number.
func outlive(client context.Context, still time.Duration) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(client))
	stop := context.AfterFunc(client, func() {
		timer := time.AfterFunc(still, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

// passOn shows p to the reading and passes it to the client. Where the answer is
// to be remembered it is read to its end, whether or not anybody still takes it.
func (a *recorder) passOn(p []byte) (int, error) {
	n, err := a.ResponseWriterWrapper.Write(p)
	if err != nil && a.reader.ReadsHandles() {
		n, err = len(p), nil
	}
	a.reading.Write(p[:n])
	return n, err
}

// passOnFrom is passOn of all that r has.
func (a *recorder) passOnFrom(r io.Reader) (int64, error) {
	if a.reading.Reads() {
		r = io.TeeReader(r, &a.reading)
	}
	n, err := a.ResponseWriterWrapper.ReadFrom(r)
	if err != nil && a.reader.ReadsHandles() {
		var rest int64
		rest, err = io.Copy(io.Discard, r)
		n += rest
	}
	return n, err
}
