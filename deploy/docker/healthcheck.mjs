/** For images without curl: ends with 0 if the process in this container is alive. */
const response = await fetch(`http://127.0.0.1:${process.argv[2]}/healthz`).catch(() => null);
process.exit(response?.ok ? 0 : 1);
