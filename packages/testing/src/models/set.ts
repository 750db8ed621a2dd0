/**
 * A set of members. A set that is never looked at as a whole is checked member by member, which is much
 * faster.
 */
import type { Json, Operation } from '../history/operation.js';
import { impossible, type Model, type Partition, partitionByKey } from '../linearizability/model.js';

export type SetInput =
  /** Returns whether it was not there before. */
  | { readonly op: 'add'; readonly member: string }
  /** Returns whether it was there before. */
  | { readonly op: 'remove'; readonly member: string }
  | { readonly op: 'contains'; readonly member: string }
  /** Returns all members, in any order. */
  | { readonly op: 'members' }
  | { readonly op: 'size' };

/** Members in ascending order. */
export type SetState = readonly string[];

export const set: Model<SetState, SetInput, Json> = {
  name: 'set',
  initial: () => [],
  step(members, input, output) {
    const returns = (expected: Json) => output === undefined || output === expected;
    switch (input.op) {
      case 'members':
        return output === undefined || isSame(members, output as readonly string[]) ? members : impossible;
      case 'size':
        return returns(members.length) ? members : impossible;
    }
    const isMember = members.includes(input.member);
    switch (input.op) {
      case 'contains':
        return returns(isMember) ? members : impossible;
      case 'add':
        if (!returns(!isMember)) return impossible;
        return isMember ? members : [...members, input.member].sort();
      case 'remove':
        if (!returns(isMember)) return impossible;
        return isMember ? members.filter((member) => member !== input.member) : members;
    }
  },
  identify: (members) => JSON.stringify(members),
  isReadOnly: ({ op }, output) => op === 'contains' || op === 'members' || op === 'size' || output === false,
  partition: (operations) => partitionByKey(operations).flatMap(byMember),
  describeState: (members) => `{${members.join(', ')}}`,
};

function isSame(sorted: SetState, members: readonly string[]): boolean {
  if (sorted.length !== members.length) return false;
  const others = [...members].sort();
  return sorted.every((member, i) => member === others[i]);
}

function byMember(part: Partition<SetInput, Json>): Partition<SetInput, Json>[] {
  const memberOf = ({ input }: Operation<SetInput, Json>) => ('member' in input ? input.member : null);
  if (part.operations.some((operation) => memberOf(operation) === null)) return [part];
  return partitionByKey(part.operations, memberOf as () => string).map(({ name, operations }) => ({
    name: `${part.name}, member ${name}`,
    operations,
  }));
}
