/**
 * Where the reference, Redis 7.0.15, and this server differ by choice, with the reason. Everything else that differs
 * is a failure.
 */
import { called, nameOf, type RandomRequest } from './request.js';

export interface KnownDifference {
  readonly reason: string;
  /** Of the name of the command; of any when left out. */
  readonly command?: RegExp;
  /** A word that the request has. */
  readonly word?: RegExp;
  /** A word that it has not. */
  readonly without?: RegExp;
  readonly redis: RegExp;
  readonly holdfast: RegExp;
  /** What follows may differ as well, since only one of them did something. */
  readonly isFork?: boolean;
}

/** Options that the reference does not know. */
export const newerTokens: ReadonlySet<string> = new Set(['IFEQ', 'WITHSCORE', 'NOVALUES']);

export const knownDifferences: readonly KnownDifference[] = [
  {
    reason: 'To Redis a number ends at a zero byte, whatever follows; here it is none.',
    word: /\0/,
    redis: /.*/,
    holdfast:
      /^-ERR (min or max is not a float|.* is not a valid float|weight value is not a float|invalid cursor)/,
    isFork: true,
  },
  {
    reason: 'Redis 7.2 refuses ranks and counts that 7.0 negates and overflows.',
    command: /^LPOS$/,
    redis: /.*/,
    holdfast: /^-ERR value is out of range/,
  },
  {
    reason: 'Redis 7.2 packs small lists and small sets of any members.',
    command: /^OBJECT ENCODING$/,
    redis: /"(quicklist|hashtable)"/,
    holdfast: /"listpack"/,
  },
  {
    reason: 'Of two equal times to live the one given later ends later, if the clock went on in between.',
    command: /^P?EXPIRE$/,
    word: /^[GL]T$/i,
    redis: /^:[01]$/,
    holdfast: /^:[01]$/,
    isFork: true,
  },
  {
    reason: 'SORT in Redis takes an error of a number that another command read before for its own.',
    command: /^SORT(_RO)?$/,
    redis: /^-ERR One or more scores/,
    holdfast: /^[*:]/,
    isFork: true,
  },
  {
    reason: 'SORT in Redis leaves a sorted set as a skip list.',
    command: /^OBJECT ENCODING$/,
    redis: /"skiplist"/,
    holdfast: /"listpack"/,
  },
  {
    reason: 'Redis 7.2 calls a set too large for its timeouts out of range, 7.0 overflows.',
    redis: /^-ERR timeout is negative/,
    holdfast: /^-ERR timeout is out of range/,
  },
  {
    reason: 'Redis 7.2 looks at more of what XADD and XSETID are told.',
    command: /^(XADD|XSETID)$/,
    redis: /.*/,
    holdfast: /smaller than current max_deleted_entry_id|equal or smaller/,
    isFork: true,
  },
  {
    reason: 'Blocking commands may be called by scripts since Redis 7.2, where they do not wait.',
    redis: /^-ERR This Redis command is not allowed from script/,
    holdfast: /.*/,
    isFork: true,
  },
  {
    reason: 'Errors are text here: bytes that are none are not repeated as they came.',
    redis: /^-[A-Z]+ .*[\x80-\xff]/,
    holdfast: /^-[A-Z]+ .*\xef\xbf\xbd/,
  },
  {
    reason: 'Redis 7.2 takes WITHSCORE, so that anything else there is a syntax error.',
    command: /^Z(REV)?RANK$/,
    redis: /^-ERR wrong number of arg/i,
    holdfast: /^(-ERR (syntax error|Can't execute|Replica can't)|\+QUEUED|-NOPERM )/,
    isFork: true,
  },
  {
    reason:
      'Members of different scores have no order by name: Redis looks at the outermost first, and finds nothing.',
    command: /^Z(REV)?RANGE(BYLEX)?$|^ZLEXCOUNT$|^ZREMRANGEBYLEX$|^ZRANGESTORE$/,
    word: /^[[(+-]/,
    redis: /^(\*\[\]|:0)$/,
    holdfast: /.*/,
    isFork: true,
  },
  {
    reason:
      'Redis goes through members of different scores up to the first that is outside; here the ends are searched.',
    command: /^Z(REV)?RANGE(BYLEX)?$|^ZLEXCOUNT$|^ZREMRANGEBYLEX$|^ZRANGESTORE$/,
    word: /^[[(+-]/,
    without: /^(lex|BYSCORE)$/i,
    redis: /^[*:]/,
    holdfast: /^[*:]/,
    isFork: true,
  },
  {
    reason: 'Redis 7.2 says who has no permissions, and what for.',
    redis: /^(-NOPERM |-EXECABORT .*NOPERM |\$")this user has no permissions/i,
    holdfast:
      /^(-NOPERM |-EXECABORT .*NOPERM |\$")(User .* has no permissions|No permissions to access a (key|channel))/,
  },
  {
    reason: 'When not all keys of a command can be told Redis looks at none of them; here at those that can.',
    command: /^(ACL DRYRUN|PFMERGE|Z(UNION|INTER|DIFF)STORE|COMMAND GETKEYS(ANDFLAGS)?)$/,
    redis: /^(-ERR|\+OK)/,
    holdfast: /^((-NOPERM |\$")(User .* has no permissions to access|No permissions to access)|\*)/,
    isFork: true,
  },
  {
    reason: 'To Redis %R~* does not stand for the key without a name.',
    word: /^$/,
    redis: /^(-NOPERM|-EXECABORT .*NOPERM|\$"This user has no permissions to access)/,
    holdfast: /.*/,
    isFork: true,
  },
  {
    reason: 'Redis 7.2 takes a command without arguments there.',
    command: /^COMMAND GETKEYS(ANDFLAGS)?$/,
    redis: /^-ERR wrong number of arguments for 'command\|getkeys/,
    holdfast: /^-ERR (The command has no key arguments|Invalid)/,
  },
  {
    reason: 'Options are read before the count is looked at: one that is none is said first.',
    command: /^(ZRANDMEMBER|HRANDFIELD)$/,
    redis: /^-ERR value is out of range/,
    holdfast: /^-ERR syntax error/,
  },
  {
    reason: 'Redis makes room for COUNT ids before it looks; here it takes what it finds.',
    command: /^XAUTOCLAIM$/,
    redis: /COUNT too high/,
    holdfast: /.*/,
    isFork: true,
  },
  {
    reason: 'Redis 7.2 names the command, and the special id that it takes.',
    command: /^(XREAD|XREADGROUP)$/,
    redis: /^-ERR Unbalanced XREAD list/,
    holdfast: /^-ERR Unbalanced 'xread/,
  },
  {
    reason: 'In Redis A hides that new keys are told, too.',
    command: /^CONFIG GET$/,
    redis: /"A[A-Zm]*"/,
    holdfast: /"An[A-Zm]*"/,
  },
  {
    reason: 'Redis 7.2 tries again what waited when its key or group is gone, and says what that says.',
    command: /^XREADGROUP$/,
    redis: /^-(UNBLOCKED the stream key|NOGROUP the consumer group this client)/,
    holdfast: /^(-NOGROUP No such key|-WRONGTYPE|[*_]null)/,
  },
  {
    reason: 'Redis 7.2 lets a reader wait on when what came was trimmed away at once.',
    command: /^XREAD(GROUP)?$/,
    redis: /^[*%]\[.*\*\[\]/,
    holdfast: /^([*_]|-NOGROUP No such key|-WRONGTYPE)/,
    isFork: true,
  },
  {
    reason: 'Since Redis 7.2 who waits is answered as if he asked now: of a key that he named twice, twice.',
    command: /^XREAD$/,
    redis: /^[%*]\[/,
    holdfast: /(\$"\w+"), \*\[\*\[.*\1, \*\[\*\[/,
  },
  {
    reason: 'The same of another of his keys that is of a type by now that he does not wait for.',
    command: /^(XREAD|B(L|R|Z)\w+)$/,
    redis: /^[*%$_]/,
    holdfast: /^-WRONGTYPE/,
    isFork: true,
  },
  {
    reason: 'In which order all subscriptions of a connection end is not said.',
    command: /^[PS]?UNSUBSCRIBE$/,
    redis: /"[ps]?unsubscribe"/,
    holdfast: /"[ps]?unsubscribe"/,
  },
  {
    reason:
      'In Redis the reply to a transaction breaks off where it ends its own connection; here it is whole.',
    command: /^\(IN THE END\)$/,
    redis: /^$/,
    holdfast: /^\*\[.*:1/,
  },
  {
    reason: 'QUIT is a command since Redis 7.2, and shown as one.',
    redis: /^/,
    holdfast: /\+\[\d+ \] "QUIT"/i,
  },
  {
    reason:
      'In Redis who tracks for another one is told in its own dialect that all is gone, not in that of the other.',
    redis: /"invalidate"(, \$"__redis__:invalidate")?|"__redis__:invalidate", [_$*]null/,
    holdfast: /"invalidate", [_*]null|"__redis__:invalidate", [_*]null/,
  },
  {
    reason: 'Redis tells nobody that keeps values when databases change places.',
    redis: /^(?!.*"invalidate", _null)/,
    holdfast: /"(__redis__:)?invalidate", [_*$]null/,
  },
  {
    reason: 'To who monitors already MONITOR says nothing in Redis, who asked waits for ever.',
    command: /^MONITOR$/,
    redis: /^(?!.*\+OK)/,
    holdfast: /\+OK$/,
  },
  {
    reason:
      'Since Redis 7.2 what a request makes its own connection hear follows the reply; before, it may be within.',
    command: /^(EXEC|B?ZPOPM(IN|AX)|B?ZMPOP)$/,
    redis: /[>*]\[.*[>*]\[\$"([ps]?message|invalidate)"/,
    holdfast: /[>*]\[\$"([ps]?message|invalidate)"/,
  },
];

/** The one that explains two replies, or undefined. */
export function knownDifference(
  request: RandomRequest,
  theirs: string,
  ours: string,
): KnownDifference | undefined {
  const name = nameOf(request);
  return knownDifferences.find(
    ({ command, word, without, redis, holdfast }) =>
      (command?.test(name) ?? true) &&
      (word === undefined || request.some((each) => word.test(each))) &&
      (without === undefined || !request.some((each) => without.test(each))) &&
      redis.test(theirs) &&
      holdfast.test(ours),
  );
}

interface Unpredictable {
  readonly reason: string;
  readonly command: RegExp;
  /** Whether the words, in upper case, are such ones. */
  readonly matches: (words: readonly string[]) => boolean;
}

const isStore = (word: string): boolean => word === 'STORE' || word === 'GEOSEARCHSTORE';

/** Requests whose replies are compared by their shape only, and after which keys may rightly differ. */
const unpredictable: readonly Unpredictable[] = [
  {
    reason: 'A sort by nothing leaves a set in an order of its own.',
    command: /^SORT/,
    matches: (words) => words.some((word, i) => word === 'BY' && !words[i + 1]?.includes('*')),
  },
  {
    reason: 'A sort of texts by weights leaves those of equal weight in any order.',
    command: /^SORT/,
    matches: (words) => words.includes('BY') && words.includes('ALPHA'),
  },
  {
    reason:
      'Redis 7.2 makes consumers at other times than 7.0: those of the tests are there before they ask.',
    command: /^(XCLAIM|XAUTOCLAIM|XREADGROUP)$/,
    matches: ([, , , consumer]) => !/^[CDE]$/.test(consumer ?? ''),
  },
  {
    reason:
      'Moments are doubles here, exact up to 2^53 ms: of two that are further away neither is the earlier.',
    command: /^P?EXPIRE(AT)?$/,
    matches: (words) =>
      words.some((word, i) => i > 2 && /^[GL]T$/.test(word)) && Number(words[2]) >= 2 ** 53 / 1000,
  },
  {
    reason:
      'A time to live that ends beyond what a clock can show is over at once in Redis, whose sum overflows.',
    command: /^RESTORE$/,
    matches: ([, , ttl]) => Number(ttl) > 2 ** 62,
  },
  {
    reason: 'Deliveries are counted in 48 bits here.',
    command: /^XCLAIM$/,
    matches: (words) => words.some((word, i) => words[i - 1] === 'RETRYCOUNT' && word.length > 14),
  },
  {
    reason: 'Entries are counted in doubles here, exact up to 2^53.',
    command: /^(XSETID|XGROUP)$/,
    matches: (words) => words.some((word, i) => /^ENTRIES/.test(words[i - 1] ?? '') && word.length > 15),
  },
  {
    reason: 'Distances come from another library of sines: their last digit may differ where all are kept.',
    command: /^GEO/,
    matches: (words) => words.includes('STOREDIST'),
  },
  {
    reason: 'A geo search for any takes what it finds first.',
    command: /^GEO/,
    matches: (words) => words.includes('ANY') && words.some(isStore),
  },
];

const anyUnpredictable = new RegExp(unpredictable.map(({ command }) => command.source).join('|'));

export function isUnpredictable(request: RandomRequest): boolean {
  const plain = called(request);
  const name = plain[0]?.toUpperCase() ?? '';
  if (!anyUnpredictable.test(name)) return false;
  const words = plain.map((word) => word.toUpperCase());
  return unpredictable.some(({ command, matches }) => command.test(name) && matches(words));
}
