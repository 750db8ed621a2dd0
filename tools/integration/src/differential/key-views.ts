/** All there is of a key, asked by commands of its type. */
import type { RandomRequest } from './request.js';

const contentOf: Readonly<Record<string, (key: string) => RandomRequest>> = {
  string: (key) => ['GET', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
  hash: (key) => ['HGETALL', key],
  count: () => ['DBSIZE'],
  stream: (key) => ['XINFO', 'STREAM', key, 'FULL', 'COUNT', '0'],
};

/** Shows the content of a key that exists. */
export function contentViewOf(key: string, type: string): RandomRequest {
  return contentOf[type](key);
}

/** The requests that show a key of a type; none of a key that does not exist. */
export function viewsOf(key: string, type: string): RandomRequest[] {
  const content = contentOf[type];
  return content === undefined ? [] : [content(key), ['PEXPIRETIME', key]];
}
