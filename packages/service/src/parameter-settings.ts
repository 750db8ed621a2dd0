/** Parameters of CONFIG GET as settings of a process: by the same names, as flags, variables and lines of a file. */
import type { MoreSettings, SettingRules } from './settings.js';

/** What knows parameters, and which values they may have: a `Config`. */
export interface ParameterChecks {
  has(name: string): boolean;
  /** What is wrong with a value, or null. */
  check(name: string, value: string): string | null;
}

/** What Redis calls some settings of a process, and what its values are here where they differ. */
export type RedisNames = Readonly<
  Record<string, { readonly name: string; readonly values?: Readonly<Record<string, string>> }>
>;

/** Those of the parameters that `isTaken` lets through; and `redisNames`, which go before them. */
export function parameterSettings(
  parameters: ParameterChecks,
  isTaken: (name: string) => boolean = () => true,
  redisNames: RedisNames = {},
): MoreSettings {
  return {
    translate(name, value) {
      const ours = Object.hasOwn(redisNames, name) ? redisNames[name] : undefined;
      if (ours !== undefined) return [ours.name, ours.values?.[value] ?? value];
      return parameters.has(name) && isTaken(name) ? [name, value] : null;
    },
    problemOf: (name, value) => parameters.check(name, value),
    separators: { save: ' ', 'client-output-buffer-limit': ' ' },
  };
}

/** Of values that were read, those that no rule is about. */
export function parametersOf(
  values: ReadonlyMap<string, string>,
  rules: SettingRules,
): ReadonlyMap<string, string> {
  return new Map([...values].filter(([name]) => !Object.hasOwn(rules, name)));
}
