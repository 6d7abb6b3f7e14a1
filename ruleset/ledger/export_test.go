package ledger

import (
	"os"
	"testing"
)

// tempDir returns a directory in memory where there is one: what these tests
// are about does not depend on how fast a disk is.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "ledger")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TempDir is tempDir.
func TempDir(t testing.TB) string { return tempDir(t) }

func (d *disk) stopForTest() {
	close(d.stop)
	<-d.stopped
}

func (d *disk) startForTest(l *Embedded) {
	d.stop, d.stopped = make(chan struct{}), make(chan struct{})
	go l.write()
}

// abandon gives the directory up without writing anything, as if the process
// had been killed.
func (l *Embedded) abandon() {
	l.disk.stopForTest()
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.disk.journalFile.Close()
	l.disk.lock.Close()
}

// Kill writes everything, also how late it is, and then does what happens when
// the process is killed.
func (l *Embedded) Kill() error {
	l.disk.stopForTest()
	err := l.flush()
	if err == nil {
		err = l.flushAttempts()
	}
	if err == nil && l.disk.behind(l.clock) {
		l.disk.record.reset(recordLines)
		err = l.disk.append(l.clock.now, l.clock.event)
	}
	l.disk.startForTest(l)
	l.abandon()
	return err
}
