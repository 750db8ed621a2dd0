/** What clients are told of what a cluster could not do. */

/** A write was on its way when the stream to its node broke, or its leader lost the lead. */
export const undetermined =
  'UNDETERMINED the leader of the shard was lost: whether the command took effect is not known';

/** Nobody could be found to execute a request. */
export const tryAgain = 'TRYAGAIN no leader of the shard was found in time: the command was not executed';

/** A shard has no replica that can be reached. */
export const noReplica = 'TRYAGAIN no node with a replica of a shard can be reached';

/** As Redis has it. */
export const crossSlot = "CROSSSLOT Keys in request don't hash to the same slot";
export const leadsNothing = "READONLY You can't write against a read only replica.";
export const slotNotServed = 'CLUSTERDOWN Hash slot not served';
