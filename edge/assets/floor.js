// Says in plain words that this page cannot run here, where it cannot: it is the only script that every browser understands, so it
// keeps to the oldest syntax and calls. The floor of all the others is Chrome 80 and Firefox 78.
(function () {
  'use strict';
  var root = document.documentElement;

  function show(id) {
    var place = document.getElementById(id);
    if (place) place.hidden = false;
  }

  function failed() {
    show(root.hasAttribute('data-started') ? 'stumbled' : 'too-old');
  }

  // In the catching phase: a script that cannot be read or fetched tells nobody else.
  window.addEventListener('error', function (event) {
    var script = event.target && event.target.tagName === 'SCRIPT';
    if (script || event.error || event.message) failed();
  }, true);
  window.addEventListener('unhandledrejection', failed);
  // A browser that does not know modules runs none, and says nothing.
  window.addEventListener('load', function () {
    if (!('noModule' in document.createElement('script'))) failed();
  });
}());
