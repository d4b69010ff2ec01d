// Command backuptar reads the gzipped layer of a Windows image on standard input with Microsoft's own reader,
// as a node does before it writes files (go-winio, backuptar/tar.go), and prints a line of JSON for each
// entry.
//
// It runs on Windows, or under Wine: the descriptor's text comes from advapi32.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/Microsoft/go-winio"
	"github.com/Microsoft/go-winio/backuptar"
)

type entry struct {
	Name       string `json:"name"`
	Size       int64  `json:"size"`
	Attributes uint32 `json:"attributes"`
	Created    int64  `json:"created"`
	Sddl       string `json:"sddl"`
	Data       int    `json:"data"`
}

func main() {
	if err := list(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "backuptar:", err)
		os.Exit(1)
	}
}

func list(in io.Reader, out io.Writer) error {
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	layer, lines := tar.NewReader(unpacked), json.NewEncoder(out)
	header, err := layer.Next()
	for err == nil {
		name, size, info, problem := backuptar.FileInfoFromHeader(header)
		if problem != nil {
			return fmt.Errorf("%s: %w", header.Name, problem)
		}
		created := info.CreationTime.Nanoseconds() / 1e9
		found := entry{Name: name, Size: size, Attributes: info.FileAttributes, Created: created}
		var stream bytes.Buffer
		header, err = backuptar.WriteBackupStreamFromTarFile(&stream, layer, header)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s: %w", name, err)
		}
		if problem := found.read(&stream); problem != nil {
			return fmt.Errorf("%s: %w", name, problem)
		}
		if problem := lines.Encode(found); problem != nil {
			return problem
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// read takes the backup stream apart, which the node would hand to BackupWrite.
func (e *entry) read(stream io.Reader) error {
	parts := winio.NewBackupStreamReader(stream)
	for {
		header, err := parts.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		data, err := io.ReadAll(parts)
		if err != nil {
			return err
		}
		switch header.Id {
		case winio.BackupData:
			e.Data += len(data)
		case winio.BackupSecurity:
			if e.Sddl, err = winio.SecurityDescriptorToSddl(data); err != nil {
				return err
			}
		}
	}
}
