package ledger

import (
	"io/fs"
	"os"
)

// append writes the record to the journal and waits until it is on disk. If
// that fails the journal is as it was before, or has the record and is gone.
func (d *disk) append(now, event int64) error {
	if d.suspect {
		if err := d.rotate(); err != nil {
			return err
		}
	}
	b := d.record.seal(d.seq+1, now, event)
	if _, err := d.journalFile.Write(b); err != nil {
		d.suspect = d.journalFile.Truncate(d.size) != nil
		return err
	}
	if err := d.journalFile.Sync(); err != nil {
		// The system may have dropped what it could not write, and say
		// nothing the next time: this file is not to be trusted any further.
		d.suspect = true
		d.journalFile.Truncate(d.size)
		return err
	}
	d.seq++
	d.size += int64(len(b))
	d.written += int64(len(b))
	return d.here(d.journal(d.number), d.journalInfo)
}

// rotate begins a new journal. One without records is begun anew.
func (d *disk) rotate() error {
	number := d.number
	if d.number == 0 || d.size > fileHeader {
		number++
	}
	name := d.journal(number)
	f, err := d.begin(name, fileHead{kind: fileJournal, seed: d.seed, number: number, seq: d.seq})
	if err != nil {
		return err
	}
	err = d.end(name, f)
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(name)
	}
	if err != nil {
		// It may have got its name, and the one before it ends there then.
		d.suspect = true
		f.Close()
		return err
	}
	if d.journalFile != nil {
		d.journalFile.Close()
	}
	d.journalFile, d.journalInfo, d.number, d.size, d.suspect = f, info, number, fileHeader, false
	d.written += fileHeader
	return nil
}

// goOn goes on with the last journal that was read, after its good part.
func (d *disk) goOn() error {
	f, err := os.OpenFile(d.journal(d.number), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	err = f.Truncate(d.size)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		d.journalInfo, err = f.Stat()
	}
	if err != nil {
		f.Close()
		return err
	}
	d.journalFile = f
	return nil
}
