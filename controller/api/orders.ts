/** All that the API does and that commands which write order, by name. */

import { z } from 'zod'
import { passphrases } from '../keys/passphrase.ts'
import { type Order, order } from '../orders/order.ts'
import type { Session } from '../session/session.ts'
import { requireOperator } from '../session/viewer.ts'
import { TaskError, type Work } from '../tasks/tasks.ts'
import { lifeOrders } from './life-orders.ts'
import { noted } from './noted-order.ts'
import { projectOrders } from './project-orders.ts'
import { accessChangedSchema, grantOptions, withdrawOptions } from './schemas/access.ts'
import { adoptedSchema, adoptOptions, adoptPlanOptions, adoptPlanSchema } from './schemas/adopt.ts'
import {
  approvedSchema,
  approveOptions,
  collectedSchema,
  collectOptions,
  deployOptions,
  heardSchema,
  plannedSchema,
  promoteOptions,
  rejectedSchema,
  rejectOptions,
  renewedSchema,
  renewOptions,
  revokedSchema,
  revokedTokenSchema,
  revokeOptions,
  revokeTokenOptions,
  rollbackOptions,
  silencedSchema,
  silenceOptions,
  spreadOptions,
  submittedSchema,
} from './schemas/orders.ts'
import type { Task } from './schemas/task.ts'
import {
  changeRootOptions,
  changeSiteOptions,
  signProposalOptions,
  trustChangedSchema,
} from './schemas/trust-orders.ts'

export const orders = {
  ...projectOrders,
  ...lifeOrders,
  deploy: order({
    path: '/v1/deploy',
    summary: "Build the project's last commit, and sign and publish it as a release",
    options: deployOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/deploy.ts')).deploy,
  }),
  plan: order({
    path: '/v1/plan',
    summary: 'Build as a deploy does, and say what the release would cost each site',
    options: deployOptions,
    result: plannedSchema,
    load: async () => (await import('../orders/plan.ts')).plan,
  }),
  rollback: order({
    path: '/v1/rollback',
    summary: 'Make a new release with the configs of an older one',
    options: rollbackOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/rollback.ts')).rollback,
  }),
  promote: order({
    path: '/v1/promote',
    summary: 'Open waves of a release that wait or are held by failures',
    options: promoteOptions,
    result: submittedSchema,
    load: async () => (await import('../orders/promote.ts')).promote,
  }),
  approve: order({
    path: '/v1/approve',
    summary: 'Sign a proposal, and publish it when its thresholds are met',
    options: approveOptions,
    result: approvedSchema,
    load: async () => (await import('../orders/proposals.ts')).approve,
  }),
  reject: order({
    path: '/v1/reject',
    summary: 'Reject a proposal, or withdraw your own',
    options: rejectOptions,
    result: rejectedSchema,
    load: async () => (await import('../orders/proposals.ts')).reject,
  }),
  'access-grant': order({
    path: '/v1/access/grant',
    summary: 'Give an operator access to devices',
    options: grantOptions,
    result: accessChangedSchema,
    load: async () => (await import('../orders/access.ts')).grantAccess,
  }),
  'access-revoke': order({
    path: '/v1/access/revoke',
    summary: 'End grants of access',
    options: withdrawOptions,
    result: accessChangedSchema,
    load: async () => (await import('../orders/access.ts')).withdrawAccess,
  }),
  spread: order({
    path: '/v1/spread',
    summary: 'Wait until one other peer has all that was signed here',
    options: spreadOptions,
    result: heardSchema,
    signs: () => false,
    load: async () => (await import('../orders/proposals.ts')).spreadSigned,
  }),
  collect: order({
    path: '/v1/collect',
    summary: 'Take along the histories of connected devices, and the logs of their failed activations',
    options: collectOptions,
    result: collectedSchema,
    signs: () => false,
    load: async () => (await import('../orders/collect.ts')).collect,
  }),
  silence: order({
    path: '/v1/alerts/silence',
    summary: 'Be silent about alerts for a time, speak again, or acknowledge one',
    options: silenceOptions,
    result: silencedSchema,
    signs: () => false,
    load: async () => (await import('../orders/silence.ts')).silence,
  }),
  revoke: order({
    path: '/v1/revoke',
    summary: 'Revoke members',
    options: revokeOptions,
    result: revokedSchema,
    load: async () => (await import('../orders/members.ts')).revokeMembers,
  }),
  'revoke-token': order({
    path: '/v1/revoke-token',
    summary: 'Revoke a join token',
    options: revokeTokenOptions,
    result: revokedTokenSchema,
    load: async () => (await import('../orders/members.ts')).revokeToken,
  }),
  'change-root': order({
    path: '/v1/change-root',
    summary: 'Sign another root: operators, thresholds, a new expiry; published, or proposed to the others',
    options: changeRootOptions,
    result: trustChangedSchema,
    load: async () => (await import('../orders/trust.ts')).changeRoot,
  }),
  'change-site': order({
    path: '/v1/change-site',
    summary: 'Give a site to operators of its own, or take it back',
    options: changeSiteOptions,
    result: trustChangedSchema,
    load: async () => (await import('../orders/trust.ts')).changeSite,
  }),
  'sign-proposal': order({
    path: '/v1/sign-proposal',
    summary: 'Sign a proposal out of a file',
    options: signProposalOptions,
    result: trustChangedSchema,
    load: async () => (await import('../orders/trust.ts')).signProposal,
  }),
  renew: order({
    path: '/v1/renew',
    summary: 'Sign new certificates for all members that ask for one, or for the named ones',
    options: renewOptions,
    result: renewedSchema,
    signs: ({ members }) => members.length > 0,
    load: async () => (await import('../orders/members.ts')).renew,
  }),
  planAdoption: order({
    path: '/v1/adopt-plan',
    summary: 'Look at a machine over ssh, and say what adopting it would do; nothing is changed there',
    options: adoptPlanOptions,
    result: adoptPlanSchema,
    signs: () => false,
    secrets: ['sudoPassword'],
    load: async () => (await import('../orders/adopt.ts')).planAdoption,
  }),
  adopt: order({
    path: '/v1/adopt',
    summary: 'Make a running machine a device of the fleet, over ssh',
    options: adoptOptions,
    result: adoptedSchema,
    secrets: ['sudoPassword'],
    load: async () => (await import('../orders/adopt.ts')).adopt,
  }),
}
export type OrderName = keyof typeof orders
export type OrderOptions<Name extends OrderName> = z.input<(typeof orders)[Name]['options']>
export type OrderResult<Name extends OrderName> = z.output<(typeof orders)[Name]['result']>

function isOrder(name: string): name is OrderName {
  return Object.hasOwn(orders, name)
}

/** A task whose order can be given again. Throws a TaskError. */
export function endedOrder(task: Task): Task & { kind: OrderName } {
  const { kind, state } = task
  if (state !== 'running' && isOrder(kind)) return { ...task, kind }
  throw new TaskError('task-ended', `expected an order that has ended, got ${kind}, which is ${state}`, {
    hint: state === 'running' ? 'Cancel it first.' : 'Give it anew: this version has no such order.',
  })
}

/** The options of an order as its task keeps them: none that are secret. */
export function recordOf(name: OrderName, options: object): Record<string, unknown> {
  const { secrets } = orders[name] as unknown as Order
  return Object.fromEntries(Object.entries(options).filter(([key]) => !secrets.includes(key)))
}

/** Throws a ViewerError where a viewer orders what signs. */
export function requireMayGive(name: OrderName, options: object, session: Session): void {
  const { signs } = orders[name] as unknown as Order
  if (signs(options as Record<string, unknown>)) requireOperator(session)
}

/** Opens the sealed keys for one order; missing where they are open, or where the controller knows it. */
export const passphraseSchema = z.string().min(1).max(1024).optional()

/**
 * The work of an order with these options, which are its own already. Another process gives `from` a passphrase, or none: this
 * one then asks nobody.
 */
export function workOf(
  name: OrderName,
  options: object,
  session: Session,
  from?: { passphrase?: string | undefined },
): Work {
  const { load, signs } = orders[name] as unknown as Order
  const run: Work = async talk => await (await load())(session, options as never, talk)
  const about = { order: name, options: recordOf(name, options) }
  const work: Work = signs(options as never) ? talk => noted(session, about, () => run(talk)) : run
  return from === undefined ? work : async talk => await passphrases.with(from.passphrase, () => work(talk))
}
