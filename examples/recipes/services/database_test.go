package services

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/seed-0d85b69d/sse"
	"github.com/seed-0d85b69d/sse/ssetest"
)

// snippet: transaction
func record(ctx context.Context, db *sql.DB, stream *sse.Stream) error {
	defer stream.Close()
	for stream.Next() {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO entries (data) VALUES (?)", stream.Event().Data)
		if err == nil {
			_, err = tx.ExecContext(ctx, "UPDATE position SET last_event_id = ?",
				stream.LastEventID())
		}
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return stream.Err()
}

// end

func openDB(t *testing.T) *sql.DB {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	_, err = db.Exec(`
		CREATE TABLE entries (data TEXT UNIQUE);
		CREATE TABLE position (last_event_id TEXT);
		INSERT INTO position VALUES ('');`)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// position returns the stored ID and the number of entries.
func position(t *testing.T, db *sql.DB) (lastEventID string, entries int) {
	err := db.QueryRow("SELECT last_event_id, (SELECT count(*) FROM entries) FROM position").
		Scan(&lastEventID, &entries)
	if err != nil {
		t.Fatal(err)
	}
	return lastEventID, entries
}

func TestTransaction(t *testing.T) {
	t.Parallel()
	db := openDB(t)
	events := []sse.Event{
		{ID: "1", Data: "a"}, {ID: "2", Data: "b"}, {ID: "3", Data: "b"}, {ID: "4", Data: "c"},
	}
	srv := ssetest.NewServer(t, ssetest.Conn{ssetest.Send(events...)})
	err := record(t.Context(), db, sse.Get(t.Context(), srv.URL))
	if err == nil {
		t.Error("got no error, although b is not unique")
	}
	if id, n := position(t, db); id != "2" || n != 2 {
		t.Errorf("got %d entries and the position %s, want 2 and 2", n, id)
	}

	srv = ssetest.NewServer(t,
		ssetest.Conn{
			ssetest.WantHeader("Last-Event-ID", "3"), ssetest.Retry(time.Millisecond),
			ssetest.Replay(events...),
		},
		ssetest.Conn{ssetest.Status(http.StatusNoContent)},
	)
	req, err := http.NewRequest(http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "3")
	if err := record(t.Context(), db, new(sse.Client).Stream(req)); err != nil {
		t.Error(err)
	}
	if id, n := position(t, db); id != "4" || n != 3 {
		t.Errorf("got %d entries and the position %s, want 3 and 4", n, id)
	}
}
