//go:build unix

package main

import (
	"bufio"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain runs the program instead of the tests if the process was started by startProgram.
func TestMain(m *testing.M) {
	if os.Getenv("LEDGER_TEST_PROGRAM") != "" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(1) // the test has ended
		}()
		main()
		return
	}
	os.Exit(m.Run())
}

// A program is a running ledger.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner // of its standard output
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "LEDGER_TEST_PROGRAM=1")
	cmd.Stderr = t.Output()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &program{t: t, cmd: cmd, lines: bufio.NewScanner(stdout)}
}

// expect returns the rest of the next line, which must begin with prefix.
func (p *program) expect(prefix string) string {
	p.t.Helper()
	if !p.lines.Scan() {
		p.t.Fatalf("the program ended before it printed %q", prefix)
	}
	rest, ok := strings.CutPrefix(p.lines.Text(), prefix)
	if !ok {
		p.t.Fatalf("the program printed %q instead of %q", p.lines.Text(), prefix)
	}
	return rest
}

// end sends the signal and waits until the program has ended. It returns the number of the last
// transfer that was printed, or zero.
func (p *program) end(signal os.Signal) (booked int, err error) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	for p.lines.Scan() {
		// The last line may be incomplete.
		id, ok := strings.CutPrefix(p.lines.Text(), "booked transfer ")
		if n, err := strconv.Atoi(id); ok && err == nil {
			booked = n
		}
	}
	return booked, p.cmd.Wait()
}

// checkLedger verifies that the database contains the transfers 1 to n completely, once and in
// order, and returns n.
func checkLedger(t *testing.T, file string) int {
	t.Helper()
	l, err := openLedger(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer l.db.Close()
	rows, err := l.db.Query(`SELECT transfer, account, amount FROM entries ORDER BY number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for ; rows.Next(); count++ {
		var id string
		var got entry
		if err := rows.Scan(&id, &got.Account, &got.Amount); err != nil {
			t.Fatal(err)
		}
		n := count/2 + 1
		want := transfer(n)[count%2]
		if id != strconv.Itoa(n) || got != want {
			t.Fatalf("entry %d is %v of transfer %s, want %v of transfer %d", count, got, id, want, n)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	last, err := l.lastEventID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(last); err != nil || count != 2*n {
		t.Errorf("%d entries, but the last event ID is %q", count, last)
	}
	return count / 2
}

func TestLedgerBooksEachTransferOnceAlthoughKilled(t *testing.T) {
	const kills = 20
	server := httptest.NewServer(bank{}) // without pauses, the program is always at work
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ledger.db")

	last := 0
	for range kills {
		p := startProgram(t, "-db", file, "-url", server.URL)
		p.expect("the last booked transfer is ")
		for range rand.IntN(50) {
			last, _ = strconv.Atoi(p.expect("booked transfer "))
		}
		time.Sleep(rand.N(3 * time.Millisecond)) // kill it within a transaction, too
		booked, err := p.end(os.Kill)
		if err == nil {
			t.Fatal("the program ended before it was killed")
		}
		last = max(last, booked)
	}
	n := checkLedger(t, file)
	if n < last {
		t.Errorf("the program has printed transfer %d, but booked only %d", last, n)
	}
	t.Logf("%d transfers", n)
}

func TestLedgerResumesAfterInterrupt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger 100% #1?.db")
	want := `""`
	for range 2 {
		p := startProgram(t, "-db", file)
		if got := p.expect("the last booked transfer is "); got != want {
			t.Errorf("the last booked transfer is %s, want %s", got, want)
		}
		for range 3 {
			p.expect("booked transfer ")
		}
		if _, err := p.end(os.Interrupt); err != nil {
			t.Errorf("after an interrupt: %v", err)
		}
		want = strconv.Quote(strconv.Itoa(checkLedger(t, file)))
	}
}

func TestBookStoresNothingIfAnotherProcessMovedThePosition(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	entries := transfer(1)
	for i := range 2 {
		l, err := openLedger(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		defer l.db.Close()
		// Both have read the position before the first one moves it.
		err = l.book(t.Context(), "", "1", entries[:])
		if failed := err != nil; failed != (i == 1) {
			t.Errorf("ledger %d: %v", i, err)
		}
	}
	if n := checkLedger(t, file); n != 1 {
		t.Errorf("%d transfers, want 1", n)
	}
}
