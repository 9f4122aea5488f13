// The page's data as its views read it: rows become objects once, here.

function unpacked(data) {
  for (const worker of data.workers) {
    const { columns, rows } = worker.runs;
    worker.runs = rows.map((row) => Object.fromEntries(columns.map((name, number) => [name, row[number]])));
  }
  return data;
}
