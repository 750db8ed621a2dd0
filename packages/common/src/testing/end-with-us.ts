/** What tests start must not outlive them. One listener for all of it: Node warns of more than ten of them. */
const ends = new Set<() => void>();

/** Calls `end` when this process exits, unless what is returned was called before. */
export function endWithUs(end: () => void): () => void {
  if (ends.size === 0) process.on('exit', endAll);
  ends.add(end);
  return () => {
    ends.delete(end);
    if (ends.size === 0) process.off('exit', endAll);
  };
}

function endAll(): void {
  for (const end of ends) end();
}
