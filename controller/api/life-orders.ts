/** Orders about the life of a device, by name: part of all orders. */

import { order } from '../orders/order.ts'
import {
  followSecretsOptions,
  reassignedSchema,
  reassignOptions,
  renameSiteOptions,
  replacedSchema,
  replaceOptions,
  retiredSchema,
  retireOptions,
  secretsFollowedSchema,
  siteRenamedSchema,
} from './schemas/life.ts'

export const lifeOrders = {
  reassign: order({
    path: '/v1/reassign',
    summary: 'Give a device another name or another site, without joining anew',
    options: reassignOptions,
    result: reassignedSchema,
    load: async () => (await import('../orders/reassign.ts')).reassign,
  }),
  'rename-site': order({
    path: '/v1/rename-site',
    summary: 'Give a site another name: in the project, the release and the certificates of its members',
    options: renameSiteOptions,
    result: siteRenamedSchema,
    load: async () => (await import('../orders/rename-site.ts')).renameSite,
  }),
  replace: order({
    path: '/v1/replace',
    summary: 'Free the name of a device for other hardware: its old key is revoked',
    options: replaceOptions,
    result: replacedSchema,
    load: async () => (await import('../orders/replace.ts')).replace,
  }),
  'follow-secrets': order({
    path: '/v1/follow-secrets',
    summary: 'Encrypt the secrets of the newest release to the devices that are members now',
    options: followSecretsOptions,
    result: secretsFollowedSchema,
    load: async () => (await import('../orders/replace.ts')).followSecrets,
  }),
  retire: order({
    path: '/v1/retire',
    summary: 'End the life of a device in the fleet: membership, entry, place in the release',
    options: retireOptions,
    result: retiredSchema,
    load: async () => (await import('../orders/retire.ts')).retire,
  }),
}
