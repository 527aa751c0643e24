/** Gets what happens in a run, line by line. */
export type Trace = (line: string) => void
