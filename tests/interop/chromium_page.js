// SPDX-License-Identifier: MIT
// What the page says when something is missing: a token, HTTPS, a microphone, the permission to use it,
// the right role. Listening needs none of these but the token.
import {closePage, listen, openBrowser, openPage} from './browser.js';
import {runTest, waitUntil, writeWav} from './house.js';

const HOST = 'pa.example';

async function says(page, id, pattern) {
  let text = '';
  await waitUntil(`${id} says ${pattern}`, 5, async () => {
    text = await page.isVisible(id) ? await page.textContent(id) : '';
    return pattern.test(text);
  });
  console.log(`  ${text}`);
}

async function isDisabled(page, id) {
  await waitUntil(`${id} is disabled`, 5, () => page.isDisabled(id));
}

async function withoutToken(browser, sender) {
  const page = await openPage(browser, {...sender, tokens: {listener: ''}});
  await says(page, '#why', /Enter a token/);
  await isDisabled(page, '#listen');
  await isDisabled(page, '#talk');
  await page.fill('#token', 'nobodys');
  await page.click('#listen');
  await says(page, '#state', /not known here/);
  await closePage(page);
}

async function withoutMicrophone(browser, sender) {
  const page = await openPage(browser, sender);
  await says(page, '#why', /no microphone/);
  await isDisabled(page, '#talk');
  await listen(page);
  await closePage(page);
}

async function withoutPermission(browser, sender) {
  const page = await openPage(browser, sender, {role: 'talker', refused: true});
  await page.hover('#talk');
  await page.mouse.down();
  await says(page, '#why', /allow it for this site/);
  await isDisabled(page, '#talk');
  await closePage(page);
}

async function withoutRole(browser, sender) {
  const page = await openPage(browser, sender, {role: 'listener'});
  await page.hover('#talk');
  await page.mouse.down();
  await says(page, '#state', /its role is another/);
  await closePage(page);
}

async function withoutHttps(browser, house) {
  const sender = await house.startSender('--insecure-http', '--host-name', HOST, 'tone:440');
  sender.url = sender.url.replace('127.0.0.1', HOST);
  const page = await openPage(browser, sender);
  await says(page, '#why', /needs HTTPS/);
  await isDisabled(page, '#talk');
  await listen(page);
  await closePage(page);
}

await runTest(async (house) => {
  writeWav(house.path('voice.wav'), 1, 1, () => 0);
  const sender = await house.startSender('tone:440');
  const deaf = await openBrowser();
  const hearing = await openBrowser(house.path('voice.wav'), `--host-resolver-rules=MAP ${HOST} 127.0.0.1`);
  try {
    await withoutToken(hearing, sender);
    await withoutMicrophone(deaf, sender);
    await withoutPermission(hearing, sender);
    await withoutRole(hearing, sender);
    await withoutHttps(hearing, house);
  } finally {
    await deaf.close();
    await hearing.close();
  }
});
