//! An officer's spreadsheet becomes rows: encodings, headers, eras, what Excel breaks. No I/O.
