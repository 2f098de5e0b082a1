select * from {{ ref('totals') }} where revenue <= 0
