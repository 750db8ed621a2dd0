import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { LeadLease } from './lead-lease.js';

it('counts from when an append began, not from when it was committed', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, env.clock.monotonic());
  env.advance(500);
  const beganMs = env.clock.monotonic();
  env.advance(300);
  lease.extend(beganMs);
  expect(lease.leftMs).toBe(600);
  env.advance(599);
  expect(lease.isHeld).toBe(true);
  env.advance(1);
  expect(lease.isHeld).toBe(false);
  expect(lease.leftMs).toBe(0);
});

it('is not extended any more once it is given up', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, env.clock.monotonic());
  lease.giveUp();
  expect(lease.isHeld).toBe(false);
  lease.extend(env.clock.monotonic());
  expect(lease.isHeld).toBe(false);
});

it('has it said who leads once in a third of it', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, env.clock.monotonic());
  env.advance(299);
  expect(lease.isRecordDue).toBe(false);
  env.advance(1);
  expect(lease.isRecordDue).toBe(true);
  lease.recorded();
  expect(lease.isRecordDue).toBe(false);
});
