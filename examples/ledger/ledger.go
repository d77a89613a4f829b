package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"

	_ "modernc.org/sqlite"
)

// The table position contains the ID of the last event whose effects the database contains.
const schema = `
CREATE TABLE IF NOT EXISTS entries (
	number   INTEGER PRIMARY KEY,
	transfer TEXT NOT NULL,
	account  TEXT NOT NULL,
	amount   INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS position (
	stream        TEXT PRIMARY KEY,
	last_event_id TEXT NOT NULL
);
INSERT OR IGNORE INTO position VALUES ('transfers', '');`

// An entry is one side of a transfer. The amounts of a transfer add up to zero.
type entry struct {
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

// A ledger stores entries, and the position in the stream that they come from.
type ledger struct{ db *sql.DB }

// openLedger opens the database file and creates it if necessary.
//
// With synchronous=NORMAL, a power failure may undo the last transactions. That is safe: it also
// undoes their event IDs, so the server sends these events again.
func openLedger(ctx context.Context, file string) (*ledger, error) {
	dsn := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_busy_timeout=10000&_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate"
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &ledger{db}, nil
}

// lastEventID returns the ID to resume from. It is empty if nothing has been booked.
func (l *ledger) lastEventID(ctx context.Context) (id string, err error) {
	row := l.db.QueryRowContext(ctx, `SELECT last_event_id FROM position WHERE stream = 'transfers'`)
	err = row.Scan(&id)
	return id, err
}

// book stores the entries of transfer id and moves the position from last to id, all in one
// transaction. Whenever the process is killed, the database contains both or neither.
//
// If the position is not last, book fails and stores nothing, because another process has booked
// what follows last.
func (l *ledger) book(ctx context.Context, last, id string, entries []entry) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // has no effect after Commit
	result, err := tx.ExecContext(ctx, `UPDATE position SET last_event_id = ?
		WHERE stream = 'transfers' AND last_event_id = ?`, id, last)
	if err != nil {
		return err
	}
	if moved, err := result.RowsAffected(); err != nil {
		return err
	} else if moved == 0 {
		return errors.New("another process uses the database")
	}
	for _, e := range entries {
		if _, err := tx.ExecContext(ctx, `INSERT INTO entries (transfer, account, amount)
			VALUES (?, ?, ?)`, id, e.Account, e.Amount); err != nil {
			return err
		}
	}
	return tx.Commit()
}
