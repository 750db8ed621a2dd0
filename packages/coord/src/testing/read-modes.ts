/** How a coordinator was asked to read. */
import type { ReadMode } from '@holdfast/engine';
import type { Coordinator } from '../coordinator.js';

/** The mode of each request from now on, in their order. */
export function observeReadModes(coordinator: Coordinator): ReadMode[] {
  const modes: ReadMode[] = [];
  const coordinate = coordinator.coordinate.bind(coordinator);
  coordinator.coordinate = (session, request, reply) => {
    modes.push(session.readMode);
    return coordinate(session, request, reply);
  };
  return modes;
}
