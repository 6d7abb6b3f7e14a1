package ruleset

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otpgate/otpgate/ruleset/answer"
	"github.com/otpgate/otpgate/ruleset/ledger"
	"github.com/otpgate/otpgate/ruleset/phone"
	"github.com/otpgate/otpgate/ruleset/request"
)

// A handle is what an app calls a thing that was begun: a flow, a challenge, a
// factor. Later requests name it in place of the number. The gate remembers
// the number for as long as answer.keep says, as a note of the ledger: under a
// keyed hash of the handle, and encrypted with a key that is made of the secret
// and the handle, so that neither the ledger nor the secret tells numbers by
// itself.
//
// Handles that stand in an answer are the app's own. One that a request has
// brought may be the caller's invention, who could call two numbers by one
// name, and have the wrong one counted later: such a handle stands for a number
// only once the app has said that it sent to it. If it does not say for certain,
// the handle is unclear, and requests that name it and no number are refused,
// until the app has sent for it again.

// handleName is the name under which a handle is known. Apps take several
// spellings of one: Go's parsers of UUIDs take capitals, braces, a URN and no
// dashes, and a number that stands for an account has a plus or spaces. A caller
// must not get away from what is known of a handle by spelling it in another way.
func handleName(handle string) string {
	const urn = "urn:uuid:"
	id := handle
	if len(id) > len(urn) && strings.EqualFold(id[:len(urn)], urn) {
		id = id[len(urn):]
	}
	id = strings.ToLower(uuidMarks.Replace(id))
	if len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" {
		return id
	}
	if digits := strings.ReplaceAll(strings.TrimPrefix(handle, "+"), " ", ""); digits != "" && strings.Trim(digits, "0123456789") == "" {
		return digits
	}
	return handle
}

var uuidMarks = strings.NewReplacer("{", "", "}", "", "-", "")

// remembered is what is known of a handle.
type remembered struct {
	number  uint64    // digits with country code; 0: not known
	send    ledger.ID // of the request that it comes of
	sent    bool      // the app said that it sent a code for it, and has said nothing else since
	unclear bool      // it may stand for another number by now
	mail    bool      // it was begun for an email address
	until   uint32    // it is to be known till then at least, in minutes since 1970
}

const (
	noteSent = 1 << iota
	noteUnclear
	noteMail
)

var errNote = errors.New("a note about a handle cannot be read")

// noteName is what a note about a handle is kept by. It is of the gates of one
// name: what one app calls a thing tells nothing of another app's, and there are
// apps that let their callers choose it.
func (j *Judgement) noteName(handle string) string { return j.rules.Name() + "\x00" + handle }

// seal encrypts what is known of a handle, by the name of its note.
//
// One block of AES takes the number, the flags and the time; the rest of it is
// zero, by which a block that was made with another key is told. As each handle has a
// key of its own, equal blocks tell only that nothing has changed.
func (k *Keys) seal(name string, m remembered) (n ledger.Note) {
	var flags byte
	if m.sent {
		flags |= noteSent
	}
	if m.unclear {
		flags |= noteUnclear
	}
	if m.mail {
		flags |= noteMail
	}
	binary.BigEndian.PutUint64(n[:], m.number)
	n[8] = flags
	binary.BigEndian.PutUint32(n[9:], m.until)
	block, _ := aes.NewCipher(k.noteKey(name)) // its size is right
	block.Encrypt(n[:aes.BlockSize], n[:aes.BlockSize])
	copy(n[aes.BlockSize:], m.send[:])
	return n
}

// unseal reads what seal has written.
func (k *Keys) unseal(name string, n ledger.Note) (m remembered, err error) {
	block, _ := aes.NewCipher(k.noteKey(name))
	block.Decrypt(n[:aes.BlockSize], n[:aes.BlockSize])
	if [3]byte(n[13:aes.BlockSize]) != [3]byte{} || n[8]&^(noteSent|noteUnclear|noteMail) != 0 {
		return remembered{}, errNote
	}
	m = remembered{number: binary.BigEndian.Uint64(n[:]), sent: n[8]&noteSent != 0, unclear: n[8]&noteUnclear != 0, mail: n[8]&noteMail != 0, until: binary.BigEndian.Uint32(n[9:])}
	copy(m.send[:], n[aes.BlockSize:])
	return m, nil
}

func (k *Keys) noteKey(name string) []byte {
	mac := hmac.New(sha256.New, k.notes[:])
	mac.Write([]byte(name))
	return mac.Sum(nil)
}

// recall returns what is known of a handle, by the name of its note.
//
// While a secret is exchanged there may be a note under each, and gates that
// write under either: the later one counts, and a code has been sent only if
// both say so that come of one request, since that is forgotten under one.
func (g *Gate) recall(ctx context.Context, at time.Time, name string) (m remembered, found bool, err error) {
	for k := g.keys; k != nil; k = k.also {
		n, there, err := g.ledger.Recall(ctx, at, k.Note(name))
		if err != nil {
			return remembered{}, false, err
		}
		if !there {
			continue
		}
		other, err := k.unseal(name, n)
		if err != nil {
			return remembered{}, false, err
		}
		if found {
			other = laterOf(m, other)
		}
		m, found = other, true
	}
	return m, found, nil
}

// laterOf returns the one of two notes about a handle that was made later. An id
// begins with the time.
func laterOf(m, n remembered) remembered {
	switch bytes.Compare(m.send[:], n.send[:]) {
	case 1:
		return m
	case -1:
		return n
	}
	m.sent = m.sent && n.sent
	m.until = max(m.until, n.until)
	return m
}

// resolve finds out what is known of the handle that the request brings: the
// first of several that is known. A request that has no number has that of its
// handle from then on, and is judged by it as if it had brought it.
func (d *decision) resolve(ctx context.Context) bool {
	if d.shape == nil || len(d.Facts.handles) == 0 {
		return true
	}
	var err error
	for _, handle := range d.Facts.handles {
		m, found, failed := d.gate.recall(ctx, d.Facts.At, d.noteName(handle))
		err = errors.Join(err, failed)
		if found {
			d.known, d.knownAs = m, handle
			break
		}
	}
	if err != nil {
		d.Verdict.Err = errors.Join(d.Verdict.Err, err)
	}
	if d.shape.About != request.AboutAccount {
		return true
	}
	shadow := d.rules.settings.shadow
	switch {
	case d.known.unclear:
		d.Verdict.Detail = "the handle may stand for another number by now"
		return d.object(shadow, CheckRequest, "handle", BadRequest)
	case d.knownAs == "" && d.shape.unseen == "deny" && err != nil:
		return d.object(shadow, CheckLedger, "", Unavailable)
	case d.knownAs == "" && d.shape.unseen == "deny":
		d.Verdict.Detail = "the handle was not seen in any answer"
		return d.object(shadow, CheckRequest, "handle", BadRequest)
	case d.known.number == 0:
		return true
	}
	number, err := phone.Parse("+"+strconv.FormatUint(d.known.number, 10), "")
	return d.take(number, err)
}

// passesBy reports whether it is known of the request's handle that no code is
// sent to a phone for it: the request enters the one that was sent, or what was
// begun goes by mail.
func (d *decision) passesBy() bool {
	if d.shape == nil {
		return false
	}
	return d.shape.verifies && d.known.sent || d.shape.About == request.AboutAccount && d.known.mail
}

// anew forgets that a code was sent for the handle, if the request, which is let
// through, does not enter it: something may be begun anew. That has to be
// forgotten before the app hears of it, or codes could be asked for meanwhile as
// if they were entered.
func (d *decision) anew(ctx context.Context) bool {
	if !d.known.sent || d.entered || d.shape.shows || !d.rules.shapes.verify {
		return true
	}
	d.known.sent = false
	err := d.gate.remember(ctx, d.Facts.At, d.noteName(d.knownAs), d.known, d.known.end())
	if err == nil {
		return true
	}
	d.Verdict.Err = errors.Join(d.Verdict.Err, err)
	return d.object(d.rules.settings.shadow, CheckLedger, "", Unavailable)
}

// Learn remembers what the app's answer to j, which was let through, tells of
// handles. It asks for a context that the client cannot end.
//
// A handle that is known already is known no shorter for it: a factor that was
// enrolled for a year still is after its first challenge.
func (g *Gate) Learn(ctx context.Context, at time.Time, j *Judgement, r answer.Result) (err error) {
	keep := j.answers().keep
	for handle, m := range j.learnt(r) {
		end := at.Add(keep)
		if handle == j.knownAs {
			if before := j.known.end(); before.After(end) {
				end = before
			}
		}
		err = errors.Join(err, g.remember(ctx, at, j.noteName(handle), m, end))
	}
	return err
}

func (g *Gate) remember(ctx context.Context, at time.Time, name string, m remembered, end time.Time) error {
	m.until = uint32((end.Unix() + 59) / 60)
	return g.ledger.Remember(ctx, at, g.keys.Note(name), g.keys.seal(name, m), end.Sub(at))
}

// end is when it is no longer known.
func (m remembered) end() time.Time { return time.Unix(int64(m.until)*60, 0) }

// learnt is what an answer tells of handles.
func (j *Judgement) learnt(r answer.Result) map[string]remembered {
	if len(r.Handles) == 0 && len(j.Facts.handles) == 0 {
		return nil
	}
	now := remembered{send: j.Facts.ID, sent: r.Meaning == answer.Sent && !j.sendsNothing() && !j.entered}
	if !j.Facts.Phone.IsZero() {
		now.number, _ = strconv.ParseUint(j.Facts.Phone.E164()[1:], 10, 64)
	}
	all := make(map[string]remembered)
	for _, handle := range j.Facts.handles {
		before := remembered{}
		if handle == j.knownAs {
			before = j.known
		}
		// A code was sent where one was to be entered: the next one is counted.
		again := r.Meaning == answer.Sent && j.entered
		switch {
		case j.sendsNothing() && j.shape.shows && !before.sent && r.Meaning == answer.Sent:
			before.sent = true
			all[handle] = before
		case j.sendsNothing():
		case r.Meaning == answer.Sent && !j.entered:
			all[handle] = now
		case r.Meaning == answer.Unknown && !j.entered && j.shape.About == request.AboutPhone:
			all[handle] = remembered{send: now.send, unclear: true}
		case again && before.sent:
			before.sent = false
			all[handle] = before
		}
	}
	if now.mail = j.shape != nil && j.shape.About == request.AboutEmail; now.number == 0 && !now.sent && !now.mail {
		return all // there is nothing to know of the others
	}
	number := strconv.FormatUint(now.number, 10)
	for _, handle := range r.Handles {
		// An answer may repeat the handle of the request, and may name an account
		// by the number that it has: one that asks for that number is asked for
		// nothing new.
		if name := handleName(handle); !slices.Contains(j.Facts.handles, name) && name != number {
			all[name] = now
		}
	}
	return all
}
