import { SimulatedEnv } from '@holdfast/common/testing';
import { expect, it } from 'vitest';
import { LeadLease, momentOf } from './lead-lease.js';

it('counts from when an append began, not from when it was committed', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, momentOf(env.clock));
  env.advance(500);
  const began = momentOf(env.clock);
  env.advance(300);
  lease.extend(began);
  expect(lease.leftMs).toBe(600);
  env.advance(599);
  expect(lease.isHeld).toBe(true);
  env.advance(1);
  expect(lease.isHeld).toBe(false);
  expect(lease.leftMs).toBe(0);
});

it('is not extended any more once it is given up', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, momentOf(env.clock));
  lease.giveUp();
  expect(lease.isHeld).toBe(false);
  lease.extend(momentOf(env.clock));
  expect(lease.isHeld).toBe(false);
});

it('is over after a sleep of the machine, in which the monotonic clock stood still', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, momentOf(env.clock));
  const began = momentOf(env.clock);
  env.jumpClock(900);
  expect(lease.isHeld).toBe(false);
  // What was on its way when it fell asleep does not count from now.
  lease.extend(began);
  expect(lease.isHeld).toBe(false);
  lease.extend(momentOf(env.clock));
  expect(lease.leftMs).toBe(900);
});

it('is not longer because the calendar was set back', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, momentOf(env.clock));
  env.jumpClock(-5000);
  env.advance(899);
  expect(lease.isHeld).toBe(true);
  env.advance(1);
  expect(lease.isHeld).toBe(false);
});

it('has it said who leads once in a third of it', () => {
  const env = new SimulatedEnv();
  const lease = new LeadLease(env.clock, 900, momentOf(env.clock));
  env.advance(299);
  expect(lease.isRecordDue).toBe(false);
  env.advance(1);
  expect(lease.isRecordDue).toBe(true);
  lease.recorded();
  expect(lease.isRecordDue).toBe(false);
});
