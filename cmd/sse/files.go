package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-0d85b69d/sse/cmd/sse/internal/request"
)

// A namedFile is a file that a flag names.
type namedFile struct {
	flag *flagDef
	as   string // the flag with its dashes
	name string // "-" for standard input
}

// addFile records the file that the value v of f names, if it names one. as is the flag with its
// dashes. If a flag whose file is written is repeated, only the last one has an effect.
func (p *flagParser) addFile(f *flagDef, as, v string) {
	if f.written {
		p.files = slices.DeleteFunc(p.files, func(n namedFile) bool { return n.flag == f })
	}
	if name := f.file(v); name != "" {
		p.files = append(p.files, namedFile{f, as, name})
	}
}

// A usedFile is a file that the command reads or writes.
type usedFile struct {
	label   string // what an error calls it
	id      fileID
	written bool
}

// checkFiles returns an error if a file that is written is also read, or is written twice, because
// one content would destroy the other. target is the argument that is not a flag.
func checkFiles(o *options, files []namedFile, target string) error {
	stdin := usedFile{label: "standard input", id: openFileID(os.Stdin)}
	var used []usedFile
	for _, f := range files {
		if f.name == "-" {
			used = append(used, stdin)
			continue
		}
		label := fmt.Sprintf("%s %q", f.as, f.name)
		used = append(used, usedFile{label, pathID(f.name), f.flag.written})
	}
	if target == "-" {
		used = append(used, stdin)
	}
	if o.OutFile == "" || o.OutFile == "-" {
		used = append(used, usedFile{"standard output", openFileID(o.Stdout), true})
	}
	for i, b := range used {
		for _, a := range used[:i] {
			if (a.written || b.written) && a.id.isSame(b.id) {
				return fmt.Errorf("%s and %s are the same file", a.label, b.label)
			}
		}
	}
	return nil
}

// The file functions of the flags return the name of the file in a value, "-" for standard input,
// or "" if the value names no file.

// fileName is the file function of a flag whose value is always the name of a file.
func fileName(v string) string {
	if v == "-" {
		return "./-"
	}
	return v
}

// outputName is the file function of -o.
func outputName(v string) string {
	if v == "-" {
		return "" // standard output
	}
	return v
}

// nameAfterAt is the file function of a flag whose value may be @FILE.
func nameAfterAt(v string) string {
	name, ok := strings.CutPrefix(v, "@")
	if !ok {
		return ""
	}
	return name
}

// cookieFile is the file function of -b.
func cookieFile(v string) string {
	if strings.Contains(v, "=") {
		return ""
	}
	return v
}

// certFile is the file function of --cert.
func certFile(v string) string { return fileName(request.CertFileName(v)) }

// A fileID identifies a regular file, or one that does not exist yet. The zero fileID stands for
// anything else, and is the same as no other.
type fileID struct {
	info os.FileInfo // of the file, or of the directory in which name does not exist
	name string
}

// isSame reports whether f and g are the same file, by whatever names.
func (f fileID) isSame(g fileID) bool {
	return f.info != nil && g.info != nil && f.name == g.name && os.SameFile(f.info, g.info)
}

// openFileID returns the ID of an open file.
func openFileID(f *os.File) fileID {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return fileID{info: info}
	}
	return fileID{}
}

// maxLinks is the maximum number of symbolic links that lead to a file.
const maxLinks = 40

// pathID returns the ID of the file at path.
func pathID(path string) fileID {
	if info, err := os.Stat(path); err == nil {
		if info.Mode().IsRegular() {
			return fileID{info: info}
		}
		return fileID{} // several flags may name a device such as /dev/null
	}
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || !dir.IsDir() {
		return fileID{} // the file cannot be created
	}
	return fileID{info: dir, name: filepath.Base(path)}
}
