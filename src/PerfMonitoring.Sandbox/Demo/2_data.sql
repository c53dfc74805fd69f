-- 100,000 customers, 50,000 products, 400,000 orders and about a million order lines; the same ones every time.
select setseed(0.42);

insert into customers
select n,
       case when n % 3 = 0 then 'Shopper' || n || '@Example.com' else 'shopper' || n || '@example.com' end,
       initcap(given) || ' ' || initcap(family),
       (array['Hamburg', 'Berlin', 'Lyon', 'Turin', 'Porto', 'Gent', 'Linz', 'Bern'])[1 + (8 * random() ^ 2)::int % 8],
       now() - random() * interval '5 years'
from generate_series(1, 100000) as n,
     lateral (select (array['anna', 'ben', 'carla', 'david', 'eva', 'felix', 'greta', 'hugo', 'ida', 'jan'])[1 + n % 10] as given,
                     (array['adler', 'bauer', 'costa', 'dubois', 'ferrari', 'huber', 'jansen', 'keller', 'lopes', 'moreau',
                         'weber'])
                         [1 + n % 11] as family) as names;

insert into products
select n,
       'SKU-' || lpad(n::text, 6, '0'),
       (array['Alpine', 'Breeze', 'Cobalt', 'Delta', 'Ember', 'Fjord', 'Granite', 'Harbour', 'Indigo', 'Juniper'])[1 + n % 10]
           || ' '
           || (array['Jacket', 'Boots', 'Tent', 'Lamp', 'Mug', 'Rope', 'Pack', 'Stove', 'Gloves', 'Bottle', 'Map',
               'Knife'])[1 + n % 12]
           || ' ' || n,
       (array['clothing', 'shoes', 'camping', 'light', 'kitchen', 'climbing'])[1 + (6 * random() ^ 3)::int % 6],
       round((5 + random() * 495)::numeric, 2),
       jsonb_build_object(
           'colour', (array['black', 'blue', 'red', 'green', 'grey', 'white', 'orange', 'teal'])[1 + (8 * random() ^ 2)::int % 8],
           'size', (array['XS', 'S', 'M', 'L', 'XL', 'XXL'])[1 + n % 6],
           'weight', (random() * 3000)::int,
           'recycled', random() < 0.1)
from generate_series(1, 50000) as n;

-- A few customers buy much, most buy little; nearly every order was delivered long ago.
insert into orders
select n,
       1 + (99999 * random() ^ 3)::int,
       case when age < 0.004 and chance < 0.5 then 'pending'
            when age < 0.006 then 'paid'
            when age < 0.02 then 'shipped'
            when chance < 0.03 then 'cancelled'
            when chance < 0.05 then 'returned'
            else 'delivered' end,
       now() - age * interval '2 years',
       case when age > 0.006 then now() - age * interval '2 years' + interval '1 day' end,
       case when chance > 0.9 then 'Please leave the parcel with the neighbour on the left' end
from generate_series(1, 400000) as n,
     lateral (select (400000 - n) / 400000.0 as age, random() as chance) as dice;

insert into order_items (order_id, product_id, quantity, unit_price)
select o.id, p.id, 1 + (4 * p.luck ^ 4)::int, p.price
from orders as o
cross join lateral (
    select 1 + (49999 * random() ^ 2)::int as id, random() as luck, round((5 + random() * 495)::numeric, 2) as price
    from generate_series(1, 1 + o.id % 4)
) as p;

select setval(pg_get_serial_sequence('orders', 'id'), 400000);
