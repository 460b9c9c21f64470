// What is wrong with the page as it stands, one line each.
(() => {
    const wrong = [];
    const parse = (text) => {
        const numbers = (text.match(/[\d.]+/g) || []).map(Number);
        return { rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1 };
    };
    const light = (rgb) => {
        const [r, g, b] = rgb.map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    // The contrast of WCAG 2.2, §1.4.3.
    const contrast = (a, b) => {
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.alpha > 0) return colour.rgb;
        }
        return [255, 255, 255];
    };
    document.querySelectorAll('details').forEach((details) => { details.open = true; });
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.textContent.trim() || !element.getClientRects().length) continue;
        if (element.closest('title, desc, .said')) continue;
        const style = getComputedStyle(element);
        const ink = parse(element.closest('svg') ? style.fill : style.color).rgb;
        const ratio = contrast(ink, behind(element));
        if (ratio < 4.5) wrong.push(`contrast ${ratio.toFixed(2)}: ${texts.currentNode.textContent.trim().slice(0, 40)}`);
    }
    document.querySelectorAll('table').forEach((table) => {
        if (!table.querySelector('thead th')) wrong.push('a table without headers');
        const named = table.caption || table.closest('[aria-label]') || table.closest('details, section');
        if (!named) wrong.push('a table without a name');
    });
    document.querySelectorAll('th:not([scope])').forEach((th) => wrong.push(`a header without scope: ${th.textContent}`));
    document.querySelectorAll('svg').forEach((svg) => {
        const names = (svg.getAttribute('aria-labelledby') || '').split(' ').map((id) => document.getElementById(id));
        if (svg.getAttribute('role') !== 'img' || names.length !== 2 || names.some((name) => !name || !name.textContent)) {
            wrong.push('a chart that says nothing to a screen reader');
        }
    });
    document.querySelectorAll('a[href^="#"]').forEach((a) => {
        if (!document.getElementById(decodeURIComponent(a.getAttribute('href').slice(1)))) {
            wrong.push(`a link to nowhere: ${a.getAttribute('href')}`);
        }
    });
    const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
    ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => wrong.push(`an id twice: ${id}`));
    const foreign = document.querySelectorAll('script, img, iframe, object, embed, link:not([rel=icon]), [onerror], [onload]');
    foreign.forEach((element) => wrong.push(`it holds <${element.localName}>`));
    if (window.alarm) wrong.push('text from the host was run');
    const room = document.documentElement.clientWidth;
    const scrolls = (element) => element && (getComputedStyle(element).overflowX === 'auto' || scrolls(element.parentElement));
    document.querySelectorAll('body *').forEach((element) => {
        const box = element.getBoundingClientRect();
        if (!box.width || element.closest('.skip, .said') || scrolls(element)) return;
        if (box.left < -0.5 || box.right > room + 0.5) {
            const text = element.textContent.trim().slice(0, 40);
            wrong.push(`<${element.localName} class="${element.getAttribute('class')}"> lies from ${box.left} to ${box.right} of ${room}: ${text}`);
        }
    });
    const wide = document.documentElement.scrollWidth;
    if (wide > window.innerWidth) wrong.push(`it is ${wide} px wide in a window of ${window.innerWidth}`);
    return wrong;
})()
